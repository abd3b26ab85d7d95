#!/usr/bin/env python3
"""Verifies an exported access log from its files alone: docs/formats/evidence.md sections 6 and 7, written from that page and from no other code.
verify_log.py DIR [--key FILE] [--witness FILE]...     prints one JSON object; exit code 0 intact, 1 not, 2 cannot be read
"""
import argparse, base64, functools, glob, hashlib, json, os, pathlib, re, subprocess, sys, tempfile

WIDTH = 256

class Fault(Exception): """Verdict, first bad index, why."""
sha = lambda *parts: hashlib.sha256(b"".join(parts)).digest()

def read_key(path):
    name, key_hash, key = (pathlib.Path(path).read_bytes().decode(errors="replace").strip().split("+", 2) + ["", ""])[:3]
    der = base64.b64decode(key) if re.fullmatch("([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", key) else b""
    if not re.fullmatch(r"[^\s+]+", name) or der[:1] != b"\x02" or sha(der[1:])[:4].hex() != key_hash:
        raise OSError(path + " is no verifier key")
    return name, bytes.fromhex(key_hash), der[1:]

def purged(index, record):
    """Ranges of earlier entries that a record of retention says it removed; first in a record are version, decision, instant and method."""
    at = 42 + record[41] if len(record) > 41 and record[:4] + record[40:41] == b"\x08\x01\x12\x24\x1a" else 0
    ranges = re.findall(rb"\x8a\x01.purged/([0-9]+)-([0-9]+)", record, re.S) if record[at:at + 24] == b"\x22\x16retention/PurgeRecords" else []
    return [(int(first), int(last)) for first, last in ranges if int(first) <= int(last) < index]

def is_signed(der, text, signature):
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(der) + b"-----END PUBLIC KEY-----\n"
    with tempfile.TemporaryDirectory() as folder:
        [pathlib.Path(folder, name).write_bytes(content) for name, content in (("key", pem), ("text", text), ("signature", signature))]
        openssl = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "signature", "text"]
        return subprocess.run(openssl, cwd=folder, capture_output=True).returncode == 0

def open_checkpoint(path, keys):
    """(size, root, names of the keys that signed); the first key is the log's."""
    note = pathlib.Path(path).read_bytes()
    refuse = lambda why: Fault("CheckpointRefused", None, path + ": " + why)
    try:
        text, signatures = note.decode().rsplit("\n\n", 1)
        lines = [re.fullmatch("— ([^ +]+) ([A-Za-z0-9+/]+=*)", line) for line in signatures.split("\n")[:-1]]
        signed = [(line[1], base64.b64decode(line[2], validate=True)) for line in lines]
    except (ValueError, TypeError):
        raise refuse("no signed note") from None
    if not signed or not note.endswith(b"\n") or any(byte < 32 and byte != 10 for byte in note):
        raise refuse("no signed note")
    signers = set()
    for name, blob in signed:
        for known, key_hash, der in keys:
            if (name, blob[:4]) == (known, key_hash):
                signers.add(name)
                if not is_signed(der, (text + "\n").encode(), blob[4:]):
                    raise refuse("the signature of " + name + " does not fit the text")
    if keys[0][0] not in signers:
        raise refuse("the log's key did not sign it")
    form = re.fullmatch("(.+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n(.+\n)*", text + "\n")
    if not form or form[1] != keys[0][0]:
        raise refuse("another log's, or not the form of a checkpoint")
    return int(form[2]), base64.b64decode(form[3]), signers

def find(folder, kind, n, width):
    """(bytes, width) of a tile or bundle: of this width, else of the widest narrower one, else nothing."""
    digits = [f"{n // 1000 ** i % 1000:03}" for i in range(7) if i == 0 or n >= 1000 ** i][::-1]
    full = os.path.join(folder, "tile", kind, *["x" + part for part in digits[:-1]], digits[-1])
    for less in range(width, 0, -1):
        path = full if less == WIDTH else os.path.join(full + ".p", str(less))
        if os.path.isfile(path):
            return pathlib.Path(path).read_bytes(), less
    return b"", 0

def leaves(folder, size):
    """Every leaf hash in order with its record (None: withheld from the reader), after the two were compared; ends early where the folder does."""
    for n in range((size + WIDTH - 1) // WIDTH):
        first, width = n * WIDTH, min(WIDTH, size - n * WIDTH)
        (tile, tiles), (bundle, bundles) = find(folder, "0", n, width), find(folder, "entries", n, width)
        marks, marked = find(folder, "withheld", n, bundles)
        marks = marks if len(marks) == 32 and marked == bundles else bytes(32)
        if len(tile) != 32 * tiles:
            raise Fault("FileDamaged", first + min(len(tile) // 32, tiles), "a tile is shorter or longer than it should be")
        at = 0
        for i in range(max(tiles, bundles)):
            if i >= min(tiles, bundles):
                raise Fault("Missing", first + i, "tile and bundle do not hold the same entries")
            end = at + 2 + int.from_bytes(bundle[at:at + 2], "big")
            if at + 2 > len(bundle) or end > len(bundle):
                raise Fault("FileDamaged", first + i, "a bundle ends within an entry")
            record, leaf, at = bundle[at + 2:end], tile[32 * i:32 * i + 32], end
            if record and sha(b"\0", record) != leaf:
                raise Fault("RecordChanged", first + i, "the record does not give the hash beside it")
            yield leaf, None if not record and marks[i // 8] << i % 8 & 128 else record
        if at != len(bundle): raise Fault("FileDamaged", first + bundles, "a bundle is longer than its entries")
        if bundles < width:
            if any(find(folder, kind, m, min(WIDTH, size - m * WIDTH))[1] for m in range(n + 1, (size + WIDTH - 1) // WIDTH) for kind in ("0", "entries")):
                raise Fault("Missing", first + bundles, "later entries are there")
            return

def check_tile(folder, size, level, index, node):
    n, i = divmod(index, WIDTH)
    tile, width = find(folder, str(level), n, min(WIDTH, (size >> 8 * level) - n * WIDTH))
    verdict = "FileDamaged" if len(tile) != 32 * width else "Missing" if i >= width else "TileChanged"
    if verdict != "TileChanged" or tile[32 * i:32 * i + 32] != node:
        return Fault(verdict, index << 8 * level, f"tile {level}/{n} does not hold the hash of what lies beneath")

def verify(folder, keys):
    paths = sorted(glob.glob(os.path.join(glob.escape(folder), "checkpoints", "*")))
    heads = [open_checkpoint(path, keys) for path in [os.path.join(folder, "checkpoint")] + paths if not path.endswith(".tmp")]
    roots = {}
    for size, root, _ in sorted(heads, key=lambda head: head[0]):
        if roots.setdefault(size, root) != root:
            raise Fault("Fork", max((s for s in roots if s < size), default=0), f"two signed checkpoints of {size} entries have different roots")
    edge, count, vouched, absent, gone, named = [], 0, 0, None, [], []
    for leaf, record in leaves(folder, max(roots)):
        gone += [count] if record == b"" else []
        named += purged(count, record or b"")
        node, level, index = leaf, 0, count
        while index & 1:
            node, level, index = sha(b"\1", edge.pop(), node), level + 1, index >> 1
            bad = check_tile(folder, max(roots), level // 8, index, node) if level % 8 == 0 else None
            if bad and bad.args[0] != "Missing": raise bad
            absent = absent or bad
        edge.append(node)
        count += 1
        if count in roots:
            root = functools.reduce(lambda right, left: sha(b"\1", left, right), edge[::-1])
            if root != roots[count]:
                raise Fault("Rewritten", vouched, f"entries {vouched} to {count - 1} are not what was signed")
            vouched = count
    if count < max(roots):
        raise Fault("Truncated", count, f"{max(roots)} entries were signed, the log ends after {count}")
    if absent: raise absent
    if unrecorded := set(gone).difference(*(range(first, last + 1) for first, last in named)):
        raise Fault("PurgeUnrecorded", min(unrecorded), "the record is gone, and no later record says that it was purged")
    for name in {name for name, _, _ in keys[1:]}.difference(*(signers for _, _, signers in heads)):
        raise Fault("NotWitnessed", None, name + " signed none of the checkpoints")
    return count

(arguments := argparse.ArgumentParser()).add_argument("folder", metavar="DIR")
arguments.add_argument("--key")
arguments.add_argument("--witness", action="append", default=[])
given = arguments.parse_args()
try:
    keys = [read_key(path) for path in [given.key or os.path.join(given.folder, "log.key")] + given.witness]
    if not os.path.isfile(os.path.join(given.folder, "checkpoint")):
        raise OSError("no checkpoint: not a finished export")
    code, told = 0, {"verdict": "Intact", "firstBadIndex": None, "entries": verify(given.folder, keys)}
except Fault as found:
    code, told = 1, dict(zip(("verdict", "firstBadIndex", "explanation"), found.args))
except OSError as found:
    code, told = 2, {"verdict": "Unreadable", "firstBadIndex": None, "explanation": str(found)}
print(json.dumps({**told, "keyIsYours": given.key is not None}))
sys.exit(code)
