"""Long polling: a message arrives at once, and none is lost to a caller who is gone."""

import io
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from devstack.aws.longpoll import LongPoll


@pytest.fixture
def queue(sqs):
    url = sqs.create_queue(QueueName="polled")["QueueUrl"]
    yield url
    sqs.delete_queue(QueueUrl=url)


def receive(sqs, queue, wait=0):
    return [m["Body"] for m in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=wait).get("Messages", [])]


def poll_and_hang_up(endpoint, queue, seconds):
    """A ReceiveMessage whose caller closes the connection while it waits."""
    body = json.dumps({"QueueUrl": queue, "WaitTimeSeconds": seconds}).encode()
    head = (
        "POST / HTTP/1.1\r\nHost: aws\r\nX-Amz-Target: AmazonSQS.ReceiveMessage\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=devstack/20260101/us-east-1/sqs/aws4_request, SignedHeaders=host, "
        f"Signature=0\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    where = urlsplit(endpoint)
    with socket.create_connection((where.hostname, where.port)) as connection:
        connection.sendall(head.encode() + body)
        # Nothing within this time shows that the server has begun to wait.
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_a_message_ends_the_wait(sqs, queue):
    with ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        answer = pool.submit(receive, sqs, queue, 15)
        sqs.send_message(QueueUrl=queue, MessageBody="hello")
        assert answer.result() == ["hello"]
        assert time.monotonic() - began < 10


def test_an_empty_queue_is_waited_for(sqs, queue):
    began = time.monotonic()
    assert receive(sqs, queue, 1) == []
    assert time.monotonic() - began >= 0.9


def test_a_delayed_message_is_held_back_and_then_comes(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="later", DelaySeconds=1)
    assert receive(sqs, queue) == []
    assert receive(sqs, queue, 10) == ["later"]


def test_a_caller_who_is_gone_takes_no_message(endpoint, sqs, queue):
    for _ in range(3):
        poll_and_hang_up(endpoint, queue, 5)
    sqs.send_message(QueueUrl=queue, MessageBody="for the living")
    assert receive(sqs, queue, 5) == ["for the living"]


def test_a_message_goes_to_one_of_many_pollers(sqs, queue):
    ready = threading.Barrier(8)

    def poll(_):
        ready.wait()
        got, empty = [], 0
        while empty < 2:
            bodies = receive(sqs, queue, 1)
            got += bodies
            empty += not bodies
        return got

    for number in range(40):
        sqs.send_message(QueueUrl=queue, MessageBody=str(number))
    with ThreadPoolExecutor(8) as pool:
        everything = [body for got in pool.map(poll, range(8)) for body in got]
    assert sorted(everything, key=int) == [str(number) for number in range(40)]


def test_eight_clients_at_once_are_served(s3):
    def put(number):
        key = f"many/{number}"
        s3.put_object(Bucket="gas-inputs", Key=key, Body=key.encode() * 1000)
        return s3.get_object(Bucket="gas-inputs", Key=key)["Body"].read() == key.encode() * 1000

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(put, range(64)))


def test_only_one_poller_at_a_time_takes_from_a_queue():
    """moto looks for a visible message and takes it in two steps, between which nobody else may look."""
    inside, most, lock = 0, 0, threading.Lock()
    second = threading.Event()

    def app(environ, start_response):
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
            if inside > 1:
                second.set()
        second.wait(0.2)  # gives the other every chance to come in
        with lock:
            inside -= 1
        return [b"{}"]

    def receive(_):
        body = json.dumps({"QueueUrl": "http://127.0.0.1/1/unknown"}).encode()
        environ = {"HTTP_X_AMZ_TARGET": "AmazonSQS.ReceiveMessage", "CONTENT_LENGTH": str(len(body))}
        list(layer({**environ, "wsgi.input": io.BytesIO(body)}, lambda *_: None))

    layer = LongPoll(app)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(receive, range(2)))
    assert most == 1
