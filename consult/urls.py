"""URLs of the workflow. A consultation's parts are `consultation-<part>`, its moves `consultation-<move>`."""

from django.urls import path

from consult.views import consent, consultation, decision, home, message, moves, notification, opinion, request, room

urlpatterns = [
    path("", home.home, name="home"),
    path("worklists/<slug:name>/", home.worklist, name="worklist"),
    path("notifications/", notification.inbox, name="notifications"),
    path("notifications/seen/", notification.seen, name="notifications-seen"),
    path("requests/new/", request.new, name="consultation-new"),
    path("consultations/<int:pk>/edit/<slug:step>/", request.edit, name="consultation-edit"),
    path("consultations/<int:pk>/autosave/", request.autosave, name="consultation-autosave"),
    path("consultations/<int:pk>/patients/", request.patient_search, name="consultation-patients"),
    path("consultations/<int:pk>/submit/", request.submit, name="consultation-submit"),
    path("consultations/<int:pk>/", consultation.page, name="consultation"),
    path("consultations/<int:pk>/head/", consultation.head, name="consultation-head"),
    path("consultations/<int:pk>/record/", consultation.record, name="consultation-record"),
    path("consultations/<int:pk>/people/", consultation.people, name="consultation-people"),
    path("consultations/<int:pk>/history/", consultation.history, name="consultation-history"),
    path("consultations/<int:pk>/consent/", consent.section, name="consultation-consent"),
    path("consultations/<int:pk>/consents/<int:number>/file/", consent.file, name="consent-file"),
    path("consultations/<int:pk>/consents/<int:number>/withdraw/", consent.withdraw, name="consent-withdraw"),
    path("consultations/<int:pk>/messages/", message.thread, name="messages"),
    path("consultations/<int:pk>/opinion/", opinion.section, name="consultation-opinion"),
    path("consultations/<int:pk>/opinion/draft/", opinion.draft, name="opinion-draft"),
    path("consultations/<int:pk>/opinion/sign/", opinion.sign, name="consultation-sign"),
    path("consultations/<int:pk>/opinion/amend/", opinion.amend, name="opinion-amend"),
    path("consultations/<int:pk>/opinion/<int:version>.pdf", opinion.pdf, name="opinion-pdf"),
    path("consultations/<int:pk>/room/", room.room, name="room"),
    path("consultations/<int:pk>/room/state/", room.state, name="room-state"),
    path("consultations/<int:pk>/decision/", decision.section, name="consultation-decide"),
    path("consultations/<int:pk>/dialogs/<slug:slug>/", moves.dialog, name="consultation-dialog"),
    *moves.urls(),
]
