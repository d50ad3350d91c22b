"""Stores uploads and publishes one persistent, confirmed message for each."""

import os
import shutil
import threading
import uuid

import pika
from fastapi import FastAPI, UploadFile

from process_image import ORIGINALS, RESULTS

QUEUE = "images"
app = FastAPI()
lock = threading.Lock()

# FastAPI calls the endpoints in threads, and a connection of pika must be used by one at a time.
connection = pika.BlockingConnection(pika.URLParameters(os.environ["RABBITMQ_URL"] + "?heartbeat=0"))
channel = connection.channel()
channel.confirm_delivery()
channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})


@app.post("/upload", status_code=202)
def upload(file: UploadFile):
    job_id = str(uuid.uuid4())
    with open(ORIGINALS / job_id, "wb") as original:
        shutil.copyfileobj(file.file, original)
    with lock:
        channel.basic_publish(
            "",
            QUEUE,
            job_id,
            pika.BasicProperties(delivery_mode=pika.DeliveryMode.Persistent),
            mandatory=True,
        )
    return {"job_id": job_id}


@app.get("/status/{job_id}")
def status(job_id: uuid.UUID):
    return {"status": "completed" if (RESULTS / str(job_id)).exists() else "queued"}
