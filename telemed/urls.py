"""Every URL of the site."""

from django.conf import settings
from django.urls import include, path
from django.views.decorators.cache import cache_control
from django.views.generic import TemplateView
from django.views.i18n import JavaScriptCatalog

from consult.views import account
from telemed import views

KEPT = cache_control(private=True, immutable=True, max_age=31_536_000)
"""For addresses that name a language and a version."""

urlpatterns = [
    path("accounts/login/", account.Login.as_view(), name="login"),
    path("accounts/logout/", account.Logout.as_view(), name="logout"),
    path("accounts/password/", account.PasswordChange.as_view(), name="password_change"),
    path("accounts/language/", account.set_language, name="set-language"),
    path("accounts/alive/", account.alive, name="session-alive"),
    path("healthz", views.healthz, name="healthz"),
    path("metrics", views.metrics, name="metrics"),
    path("jsi18n/", KEPT(JavaScriptCatalog.as_view()), name="javascript-catalog"),
    path("", include("consult.urls")),
    path("", include("imaging.urls")),
]

if settings.LOCAL:
    urlpatterns.append(
        path("styleguide/", TemplateView.as_view(template_name="styleguide/page.html"), name="styleguide")
    )
