"""Requests as botocore signs them, by which the gateway's signatures are tested.

Prints JSON. Every request is told in some spelling of its URL; what botocore is given is the spelling that its own
clients send: everything percent-encoded that is not unreserved. The seed is fixed, so that the output is always the
same for one version of botocore.

    python3 botocore_vectors.py > botocore_vectors.json
"""

import datetime
import hashlib
import json
import random
from urllib.parse import quote

import botocore.auth
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

COUNT = 320
SINGLE_ENCODED = ["s3", "s3-object-lambda", "s3express"]
SERVICES = SINGLE_ENCODED + ["execute-api", "lambda", "dynamodb", "sqs", "es", "sts", "vpc-lattice-svcs"]
REGIONS = ["eu-west-1", "us-east-1", "us-gov-west-1", "cn-north-1", "auto"]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
SEGMENTS = [
    "a", "items", "42", "~user", "a b", "a+b", "a%b", "a=b", "a&b", "(x)", "it's", "a!b*c", "a:b@c", "a,b", "a$b", "é",
    "日本語", "🦀", "a/b", "x.json", "...", "-._~", "a\"b", "<a>", "{id}", "[1]", "a|b", "a^b", "a`b", "a\\b", "%2F", "",
]
WORDS = [
    "a", "b", "A", "key", "x-id", "x-am", "list-type", "a b", "a+b", "é", "日本", "🦀", "=", "&", "/", "?", "#", "%", "'", "(",
    "*", "~", "a,b", "{", "}", "\"", "<", "1", "10", "9", "",
]
UNRESERVED = "-_.~"


def spelled(rng, text, raw):
    """Some spelling of a text; characters of `raw` may stand as they are."""
    out = []
    for char in text:
        if char.isascii() and (char.isalnum() or char in UNRESERVED):
            # A dot that is encoded would be one of another path.
            plain = char == "." or rng.random() < 0.95
            out.append(char if plain else f"%{ord(char):02x}")
        elif char in raw and rng.random() < 0.5:
            out.append(char)
        elif not char.isascii() and rng.random() < 0.3:
            out.append(char)
        else:
            encoded = quote(char, safe="")
            out.append(encoded.lower() if rng.random() < 0.3 else encoded)
    return "".join(out)


def plain(text):
    return quote(text, safe=UNRESERVED)


def path_of(rng, service):
    count = rng.randint(0, 4)
    segments = [rng.choice(SEGMENTS) for _ in range(count)]
    if rng.random() < 0.2:
        segments.append("")
    told = "/" + "/".join(spelled(rng, segment, "!$&'()*+,;=:@\"<>[]^`{|}") for segment in segments)
    sent = "/" + "/".join(plain(segment) for segment in segments)
    return told, sent


def query_of(rng):
    if rng.random() < 0.3:
        return "", ""
    told, sent = [], []
    for _ in range(rng.randint(1, 6)):
        kind = rng.random()
        if kind < 0.05:
            told.append("")
            continue
        if kind < 0.1:
            told.append(rng.choice(["X-Amz-Signature=1", "x-amz-acl=public-read", "X-Amz-Date"]))
            continue
        key, value = rng.choice(WORDS), rng.choice(WORDS)
        raw = "!$'()*,/:;?@\"<>[]^`{|}"
        if kind < 0.2 and key != "":
            told.append(spelled(rng, key, raw))
            sent.append(plain(key))
            continue
        spelling = spelled(rng, value, raw + "=")
        if rng.random() < 0.5:
            spelling = spelling.replace("%20", "+")
        told.append(spelled(rng, key, raw) + "=" + spelling)
        sent.append(plain(key) + "=" + plain(value))
    return "?" + "&".join(told), "?" + "&".join(sent) if sent else ""


def headers_of(rng):
    headers = {}
    if rng.random() < 0.4:
        headers["content-type"] = rng.choice(
            ["application/json", "text/plain;   charset=utf-8", "application/x-amz-json-1.0"]
        )
    if rng.random() < 0.3:
        headers["x-amz-target"] = "DynamoDB_20120810.GetItem"
    if rng.random() < 0.2:
        headers["x-amz-meta-note"] = rng.choice(["a", "  two   words ", "a,b, c", "k=v; l=\"m  n\""])
    return headers


def vector(rng):
    service = rng.choice(SERVICES)
    moment = datetime.datetime.fromtimestamp(rng.randint(0, 4_102_444_799), datetime.timezone.utc)
    botocore.auth.get_current_datetime = lambda: moment
    token = None if rng.random() < 0.6 else "".join(rng.choices("ABCabc123+/=", k=rng.randint(20, 80)))
    secret = "".join(rng.choices("ABCDEFabcdef0123456789+/", k=rng.choice([20, 40, 60, 61, 64, 100])))
    credentials = Credentials("AKIA" + "".join(rng.choices("ABCDEF0123456789", k=16)), secret, token)
    method = rng.choice(METHODS)
    body = None
    if method in ("POST", "PUT", "PATCH") and rng.random() < 0.8:
        body = rng.choice(["{}", "a=b&c=d", "é\n", "x" * 100])
    authority = rng.choice(["a.test", "abc123.execute-api.eu-west-1.amazonaws.com", "127.0.0.1:5000", "b.s3.test:8443"])
    scheme = rng.choice(["https", "http"])
    (told_path, path), (told_query, query) = path_of(rng, service), query_of(rng)
    headers = headers_of(rng)
    signs = body is None or rng.random() < 0.5
    single = service in SINGLE_ENCODED
    request = AWSRequest(
        method=method,
        url=f"{scheme}://{authority}{path}{query}",
        headers=dict(headers),
        data=body.encode() if body is not None else None,
    )
    request.context["payload_signing_enabled"] = signs
    request.context["client_config"] = Config(s3={"payload_signing_enabled": signs})
    if signs and not single:
        # Most services do without; it is signed where it is there.
        request.headers["X-Amz-Content-SHA256"] = hashlib.sha256((body or "").encode()).hexdigest()
    region = rng.choice(REGIONS)
    signer = (S3SigV4Auth if single else SigV4Auth)(credentials, service, region)
    canonical = []
    string_to_sign = signer.string_to_sign
    signer.string_to_sign = lambda request, text: (canonical.append(text), string_to_sign(request, text))[1]
    signer.add_auth(request)
    return {
        "service": service,
        "region": region,
        "access_key_id": credentials.access_key,
        "secret_access_key": credentials.secret_key,
        "session_token": token,
        "seconds": int(moment.timestamp()),
        "method": method,
        "url": f"{scheme}://{authority}{told_path}{told_query}",
        "headers": headers,
        "body": body,
        "payload": "signed" if signs else "unsigned",
        "sent_url": request.url,
        "canonical_request": canonical[0],
        "authorization": request.headers["Authorization"],
    }


def main():
    rng = random.Random(20150830)
    vectors = [vector(rng) for _ in range(COUNT)]
    # A line for each, so that a difference can be read.
    print("[")
    print(",\n".join(json.dumps(v, ensure_ascii=True) for v in vectors))
    print("]")


main()
