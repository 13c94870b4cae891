"""The gRPC servicer for couriers' files: one line per RPC."""

from typing import Final

from libs import door
from services.cod.flows import uploading

CodFiles: Final = door.of(
    "incasso.cod.v1.CodFilesService",
    UploadManifest=uploading.upload_manifest,
    UploadEventFile=uploading.upload_event_file,
)
