"""Signing in and out, the password, the language: the account as its person sees it."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth
from django.contrib.auth.decorators import login_required
from django.contrib.messages.views import SuccessMessageMixin
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import check_for_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from consult import events
from consult.services import account


class Login(auth.LoginView):
    """The login page also says why the last session ended."""

    redirect_authenticated_user = True

    def get(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        words = request.session.pop("ended_words", "")
        if words:
            messages.warning(request, words)
        return super().get(request, *args, **kwargs)


class Logout(auth.LogoutView):
    """Open sockets of the person look again who they are; those of this session close."""

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        person = request.user.pk
        answer = super().post(request, *args, **kwargs)
        if person:
            events.revoke(person=person)
        return answer


class PasswordChange(SuccessMessageMixin, auth.PasswordChangeView):
    success_url = reverse_lazy("home")
    success_message = _("Your password was changed.")

    def form_valid(self, form: BaseForm) -> HttpResponse:
        answer = super().form_valid(form)
        events.revoke(person=self.request.user.pk)  # sessions elsewhere ended with the old password
        return answer


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """Keeps the language on the account when there is one, and in the cookie for the login page."""
    language = request.POST.get("language", "")
    response = HttpResponseRedirect(_safe_next(request))
    if language in dict(settings.LANGUAGES) and check_for_language(language):
        if request.user.is_authenticated:
            account.speak(by=request.user, language=language)
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, max_age=365 * 86400, samesite="Lax")
    return response


@require_POST
@login_required
def alive(request: HttpRequest) -> HttpResponse:
    """A live call is a person's act: the room posts here once a minute so that the session does not idle out."""
    return HttpResponse(status=204)


def _safe_next(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    hosts = {request.get_host()}
    is_safe = url_has_allowed_host_and_scheme(wanted, allowed_hosts=hosts, require_https=request.is_secure())
    return wanted if is_safe else reverse("home")
