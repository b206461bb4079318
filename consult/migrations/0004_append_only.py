"""The database itself refuses to change or remove what was consented, signed or audited."""

from django.db import migrations

TABLES = ("consult_auditentry", "consult_consent", "consult_opinionversion")


def refuse(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE OR REPLACE FUNCTION consult_append_only() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation'; END $$",
            params=None,  # the % is PostgreSQL's
        )
    for table in TABLES:
        for verb in ("UPDATE", "DELETE"):
            name = f"{table}_no_{verb.lower()}"
            if schema_editor.connection.vendor == "postgresql":
                body = "FOR EACH ROW EXECUTE FUNCTION consult_append_only()"
            else:
                body = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            schema_editor.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} {body}")


def allow(apps, schema_editor):
    postgres = schema_editor.connection.vendor == "postgresql"
    for table in TABLES:
        for verb in ("update", "delete"):
            on = f" ON {table}" if postgres else ""
            schema_editor.execute(f"DROP TRIGGER IF EXISTS {table}_no_{verb}{on}")
    if postgres:
        schema_editor.execute("DROP FUNCTION IF EXISTS consult_append_only()")


class Migration(migrations.Migration):
    dependencies = [("consult", "0003_domain")]
    operations = [migrations.RunPython(refuse, allow)]
