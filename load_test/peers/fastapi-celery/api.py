"""Stores uploads and sends one task for each."""

import shutil
import uuid

from fastapi import FastAPI, UploadFile

from process_image import ORIGINALS, RESULTS
from tasks import process

app = FastAPI()


@app.post("/upload", status_code=202)
def upload(file: UploadFile):
    job_id = str(uuid.uuid4())
    with open(ORIGINALS / job_id, "wb") as original:
        shutil.copyfileobj(file.file, original)
    process.delay(job_id)
    return {"job_id": job_id}


@app.get("/status/{job_id}")
def status(job_id: uuid.UUID):
    return {"status": "completed" if (RESULTS / str(job_id)).exists() else "queued"}
