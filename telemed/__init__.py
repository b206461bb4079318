"""Wiring: settings, URLs, ASGI, launcher. Nobody imports it but Django.

The system's SQLite may carry the WAL-reset corruption (before 3.51.3); pysqlite3's wheel brings its own newer one.
"""

import sys

import pysqlite3
import pysqlite3.dbapi2

sys.modules["sqlite3"] = pysqlite3
sys.modules["sqlite3.dbapi2"] = pysqlite3.dbapi2
