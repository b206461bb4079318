"""Every URL of the site."""

from django.urls import include, path

urlpatterns = [
    path("", include("consult.urls")),
    path("", include("imaging.urls")),
]
