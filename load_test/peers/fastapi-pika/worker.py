"""Processes one image at a time and acknowledges its message after the result is stored."""

import os

import pika

from process_image import process_image

QUEUE = "images"


def on_message(channel, method, _properties, body):
    process_image(body.decode())
    channel.basic_ack(method.delivery_tag)


connection = pika.BlockingConnection(pika.URLParameters(os.environ["RABBITMQ_URL"]))
channel = connection.channel()
channel.queue_declare(QUEUE, durable=True, arguments={"x-queue-type": "quorum"})
channel.basic_qos(prefetch_count=1)
channel.basic_consume(QUEUE, on_message)
channel.start_consuming()
