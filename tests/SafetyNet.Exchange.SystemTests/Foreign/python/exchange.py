"""A member system's way into the exchange, from Python: mutual TLS, a certificate-bound token, receipts, refusals, and the log checked by oneself.

Needs grpcio and the stubs that protoc makes of protos/; nothing of the exchange's own code.
"""

import base64
import hashlib
import http.client
import json
import os
import ssl
import subprocess
import tempfile
import urllib.parse
import uuid

import grpc

from refusal_pb2 import ErrorInfo, LocalizedMessage, Status
from safetynet.exchange.v1 import (
    access_pb2,
    audit_pb2,
    audit_pb2_grpc,
    cases_pb2_grpc,
    codes_pb2 as codes,
    households_pb2_grpc,
    inbox_pb2_grpc,
    members_pb2_grpc,
    referrals_pb2_grpc,
)


def require(kept, promise):
    """Ends the program where a promise of the exchange is broken."""
    if not kept:
        raise AssertionError("Promised: " + promise)


class Tally:
    """What the calls came to, and the receipt of each."""

    def __init__(self):
        self.permitted = 0
        self.refused = 0
        self.withheld = set()
        self.receipts = {}  # position in the log -> (leaf hash, decision id)

    def keep(self, trailers):
        found = dict(trailers)
        position, leaf = found["safetynet-record"].split(":")
        self.receipts[int(position)] = (base64.urlsafe_b64decode(leaf + "="), found["safetynet-decision"])


class Refusal:
    """What a refused call says of itself, the id of its decision left out: that differs between any two calls."""

    def __init__(self, error):
        trailers = dict(error.trailing_metadata())
        status = Status.FromString(trailers["grpc-status-details-bin"])
        self.code = error.code()
        self.reason = ""
        self.locales = {}
        self.bytes = []
        for detail in status.details:
            name = detail.type_url.rsplit(".", 1)[-1]
            if name == "ErrorInfo":
                self.reason = ErrorInfo.FromString(detail.value).reason
            elif name == "LocalizedMessage":
                message = LocalizedMessage.FromString(detail.value)
                self.locales[message.locale] = message.message
            if name != "RequestInfo":
                self.bytes.append((detail.type_url, detail.value))
        self.seen = (self.code, error.details(), status.code, status.message, self.bytes, sorted(trailers))


class Party:
    """One agency's system, and the person and unit it acts for."""

    def __init__(self, cast, tally, agency, unit, person, role=codes.ACTOR_ROLE_WORKER):
        self.unit, self.person, self.role, self.tally = unit, person, role, tally
        folder = cast["certificates"]
        root = os.path.join(folder, "root.pem")
        identity = os.path.join(folder, "systems", f"tpe.{agency}.case-system")
        token = fetch_token(cast["tokens"], root, identity, f"spiffe://safetynet.gov.tw/tpe/{agency}/case-system")
        secure = grpc.ssl_channel_credentials(read(root), read(identity + ".key"), read(identity + ".pem"))
        self.channel = grpc.secure_channel(
            urllib.parse.urlsplit(cast["exchange"]).netloc,
            grpc.composite_channel_credentials(secure, grpc.access_token_call_credentials(token)),
        )
        self.members = members_pb2_grpc.MemberServiceStub(self.channel)
        self.referrals = referrals_pb2_grpc.ReferralServiceStub(self.channel)
        self.cases = cases_pb2_grpc.CaseServiceStub(self.channel)
        self.households = households_pb2_grpc.HouseholdServiceStub(self.channel)
        self.inbox = inbox_pb2_grpc.InboxServiceStub(self.channel)
        self.audit = audit_pb2_grpc.AuditServiceStub(self.channel)

    def context(self, purpose=codes.PURPOSE_SERVICE_DELIVERY, basis=codes.LEGAL_BASIS_ARTICLE_6_INTEGRATED_SERVICE, **reference):
        """The access context of a call; reference is referral_id=..., case_id=... or nothing."""
        actor = access_pb2.ActingPerson(person_id=self.person, role=self.role, unit_id=self.unit)
        return access_pb2.AccessContext(purpose=purpose, legal_basis=basis, actor=actor, **reference)

    def ask(self, method, request):
        """Makes a call that must be answered."""
        answer, call = method.with_call(request, timeout=60)
        self.tally.permitted += 1
        self.tally.keep(call.trailing_metadata())
        if "disclosure" in answer.DESCRIPTOR.fields_by_name:
            self.tally.withheld.update(answer.disclosure.withheld_classes)
        return answer

    def ask_in_vain(self, method, request):
        """Makes a call that must be refused."""
        try:
            method.with_call(request, timeout=60)
        except grpc.RpcError as error:
            self.tally.refused += 1
            self.tally.keep(error.trailing_metadata())
            return Refusal(error)
        raise AssertionError("Promised: " + self.unit + " is refused")

    def ask_for_stream(self, method, request):
        """Makes a call that answers in a stream, and gives all of it."""
        call = method(request, timeout=60)
        answers = list(call)
        self.tally.permitted += 1
        self.tally.keep(call.trailing_metadata())
        return answers


def fetch_token(authority, root, identity, client_id):
    """OAuth 2.0 client credentials, the client known by its certificate (RFC 8705)."""
    tls = ssl.create_default_context(cafile=root)
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    tls.load_cert_chain(identity + ".pem", identity + ".key")
    connection = http.client.HTTPSConnection(urllib.parse.urlsplit(authority).netloc, context=tls, timeout=30)
    form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": client_id})
    connection.request("POST", "/token", form, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    require(answer.status == 200 and body["token_type"] == "Bearer", f"a token for {client_id}; it is {answer.status} {body}")
    connection.close()
    return body["access_token"]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def new_request_id():
    return str(uuid.uuid4())


# The log, from docs/formats/evidence.md alone.


def leaf_hash(record):
    return hashlib.sha256(b"\x00" + record).digest()


def merkle_root(leaves):
    """Root over leaf hashes, RFC 6962 2.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + merkle_root(leaves[:split]) + merkle_root(leaves[split:])).digest()


def open_checkpoint(note, verifier_key):
    """Checks the signature of a checkpoint with openssl, then gives its size and root."""
    name, key_hash, key = verifier_key.split("+", 2)
    public_key = base64.b64decode(key)
    require(public_key[0] == 2, "the log signs with ECDSA P-256")
    public_key = public_key[1:]
    require(hashlib.sha256(public_key).hexdigest()[:8] == key_hash, "the hash in the verifier key is of its key")
    text, _, signatures = note.rpartition("\n\n")
    text += "\n"
    for line in signatures.splitlines():
        dash, signer, value = line.split(" ")
        value = base64.b64decode(value)
        if dash == "\u2014" and signer == name and value[:4].hex() == key_hash:
            break
    else:
        raise AssertionError("Promised: the log's own signature on its checkpoint")
    with tempfile.TemporaryDirectory() as folder:
        for file, content in (("key.der", public_key), ("sig.der", value[4:]), ("text", text.encode())):
            with open(os.path.join(folder, file), "wb") as target:
                target.write(content)
        subprocess.run(["openssl", "pkey", "-pubin", "-inform", "DER", "-in", "key.der", "-out", "key.pem"], cwd=folder, check=True)
        checked = subprocess.run(
            ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "sig.der", "text"], cwd=folder, stdout=subprocess.DEVNULL
        )
        require(checked.returncode == 0, "the checkpoint's signature is good")
    origin, size, root = text.splitlines()[:3]
    require(origin == name, "the checkpoint is of this log")
    return int(size), base64.b64decode(root)


def count_kept_receipts(records, receipts):
    """How many receipts have their record in the log, at their position, with their hash, of their decision."""
    kept = 0
    for position, (leaf, decision) in receipts.items():
        if position < len(records) and leaf_hash(records[position]) == leaf:
            kept += audit_pb2.AuditRecord.FromString(records[position]).decision_id == decision
    return kept
