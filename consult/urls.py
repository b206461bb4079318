"""URLs of the workflow."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
