"""URLs of images."""

from django.urls import include, path

from imaging.views import annotation, arrival, device, export, image, key, listing, printing, still, upload

urlpatterns = [
    path("dicomweb/<int:pk>/", include("imaging.web.urls")),
    path("consultations/<int:pk>/images/", listing.fragment, name="images"),
    path("consultations/<int:pk>/images/list/", listing.as_json, name="image-list"),
    path("consultations/<int:pk>/images/priors/", listing.priors, name="image-priors"),
    path("consultations/<int:pk>/annotations/", annotation.collection, name="annotations"),
    path("consultations/<int:pk>/images/uploads/", upload.collection, name="upload"),
    path("uploads/<slug:token>/", upload.part, name="upload-part"),
    path("consultations/<int:pk>/exports/", export.page, name="exports"),
    path("consultations/<int:pk>/exports/check/", export.check, name="export-check"),
    path("exports/<int:pk>/file/", export.file, name="export-file"),
    path("exports/<int:pk>/remove/", export.remove, name="export-remove"),
    path("consultations/<int:pk>/stills/", still.ask, name="stills"),
    path("stills/<int:pk>/", still.state, name="still"),
    path("stills/<int:pk>/failed/", still.fail, name="still-failed"),
    path("arrivals/", arrival.page, name="arrivals"),
    path("arrivals/waiting/", arrival.waiting, name="arrivals-waiting"),
    path("arrivals/<int:pk>/place/", arrival.place, name="arrival-place"),
    path("arrivals/<int:pk>/discard/", arrival.discard, name="arrival-discard"),
    path("devices/", device.page, name="devices"),
    path("devices/<int:pk>/", device.one, name="device"),
    path("devices/<int:pk>/switch/", device.switch, name="device-switch"),
    path("devices/<int:pk>/test/", device.test, name="device-test"),
    path("images/<int:pk>/", image.page, name="image"),
    path("images/<int:pk>/frames/<int:number>/", image.frame, name="image-frame"),
    path("images/<int:pk>/frames/<int:number>/values/", image.values, name="image-values"),
    path("images/<int:pk>/frames/<int:number>/key/", key.choose, name="image-key"),
    path("images/<int:pk>/frames/<int:number>/print/", printing.page, name="image-print"),
    path("images/<int:pk>/frames/<int:number>/print/picture/", printing.picture, name="image-print-picture"),
    path("consultations/<int:pk>/images/print/", printing.keys, name="key-images-print"),
    path("images/<int:pk>/tiles/<int:level>/<int:column>/<int:row>/", image.tile, name="image-tile"),
    path("images/<int:pk>/thumbnail/", image.thumbnail, name="image-thumbnail"),
    path("images/<int:pk>/report/", image.report, name="image-report"),
    path("images/<int:pk>/original/", image.original, name="image-original"),
    path("images/<int:pk>/annotations/<uuid:uid>/", annotation.one, name="annotation"),
    path("images/<int:pk>/confirm/", image.confirm, name="image-confirm"),
    path("images/<int:pk>/withdraw/", image.withdraw, name="image-withdraw"),
]
