"""Keys for programs: the page of one's own."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from consult.errors import Refusal
from consult.forms.access_key import AccessKeyForm
from consult.policies import access_key as policies
from consult.services import access_key as keys


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def page(request: HttpRequest) -> HttpResponse:
    """The keys, and the form for another; a new one is shown in the answer to its POST and never again."""
    form, made, secret = AccessKeyForm(request.POST or None), None, ""
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        scope = said.pop("scope")
        try:
            made, secret = keys.make(by=request.user, may_read="read" in scope, may_store="store" in scope, **said)
            form = AccessKeyForm()
        except Refusal as refusal:
            if refusal.status == 403:
                raise
            form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal.message))
    context = {
        "form": form,
        "made": made,
        "secret": secret,
        "keys": policies.visible_keys(request.user),
        "may_make": policies.may_make_key(request.user),
        "site": request.build_absolute_uri("/").rstrip("/"),
    }
    answer = render(request, "access_key/page.html", context, status=422 if form.errors else 200)
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_POST
@login_required
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(policies.visible_keys(request.user), pk=pk)
    keys.revoke(key=key, by=request.user)
    messages.success(request, _("The key “%(name)s” is revoked.") % {"name": key.name})
    return redirect("access-keys")
