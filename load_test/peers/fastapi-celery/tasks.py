"""The task of the worker: acknowledged after the result is stored."""

import os

from celery import Celery

from process_image import process_image

app = Celery("tasks", broker=os.environ["RABBITMQ_URL"])
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    broker_transport_options={"confirm_publish": True},
)


@app.task
def process(job_id: str) -> None:
    process_image(job_id)
