"""The gRPC servicer for couriers' files: one line per RPC."""

from typing import Final

from libs import servicer
from services.cod.flows import uploading

CodFiles: Final = servicer.of(
    "incasso.cod.v1.CodFilesService",
    UploadManifest=uploading.upload_manifest,
    UploadEventFile=uploading.upload_event_file,
)
