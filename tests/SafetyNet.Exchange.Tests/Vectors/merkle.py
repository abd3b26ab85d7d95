#!/usr/bin/env python3
"""Writes merkle.json, the public test vectors of docs/formats/evidence.md.

Independent of the C# code: plain recursion over the definitions of RFC 9162 2.1, and openssl for the signature.
Needs only the standard library and openssl. The private key of the signed note is thrown away.
"""
import base64, hashlib, json, os, subprocess, sys, tempfile

sha = lambda b: hashlib.sha256(b).digest()
leaf_hash = lambda d: sha(b"\0" + d)
node_hash = lambda a, b: sha(b"\1" + a + b)


def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def mth(d):
    if len(d) < 2:
        return d[0] if d else sha(b"")
    k = split(len(d))
    return node_hash(mth(d[:k]), mth(d[k:]))


def path(m, d):
    if len(d) == 1:
        return []
    k = split(len(d))
    return path(m, d[:k]) + [mth(d[k:])] if m < k else path(m - k, d[k:]) + [mth(d[:k])]


def subproof(m, d, whole):
    if m == len(d):
        return [] if whole else [mth(d)]
    k = split(len(d))
    return (subproof(m, d[:k], whole) + [mth(d[k:])] if m <= k
            else subproof(m - k, d[k:], False) + [mth(d[:k])])


def from_path(leaf, i, n, p):
    if n == 1:
        return leaf if not p else None
    if not p:
        return None
    k = split(n)
    below = from_path(leaf, i, k, p[:-1]) if i < k else from_path(leaf, i - k, n - k, p[:-1])
    return below and (node_hash(below, p[-1]) if i < k else node_hash(p[-1], below))


def from_subproof(m, n, whole, old, p):
    if m == n:
        return ((old, old) if not p else None) if whole else ((p[0], p[0]) if len(p) == 1 else None)
    if not p:
        return None
    k, c = split(n), p[-1]
    below = from_subproof(m, k, whole, old, p[:-1]) if m <= k else from_subproof(m - k, n - k, False, old, p[:-1])
    if below is None:
        return None
    o, w = below
    return (o, node_hash(w, c)) if m <= k else (node_hash(c, o), node_hash(c, w))


def hashes(b):
    return None if len(b) % 32 or len(b) > 64 * 32 else [b[i:i + 32] for i in range(0, len(b), 32)]


def check_inclusion(leaf, i, n, proof, root):
    p = hashes(proof)
    if p is None:
        return "undecodable"
    return "valid" if 0 <= i < n and from_path(leaf, i, n, p) == root else "refused"


def check_consistency(m, old, n, new, proof):
    p = hashes(proof)
    if p is None:
        return "undecodable"
    if m < 0 or m > n:
        return "refused"
    if m == 0 or m == n:
        good = not p and (m or old == sha(b"")) and (m != n or old == new)
    else:
        good = from_subproof(m, n, True, old, p) == (old, new)
    return "valid" if good else "refused"


flip = lambda b, bit: bytes(b[:bit // 8]) + bytes([b[bit // 8] ^ (1 << bit % 8)]) + bytes(b[bit // 8 + 1:])
swap = lambda b: b[32:64] + b[:32] + b[64:]

records = [bytes.fromhex(h) for h in
           ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]]
records += [i.to_bytes(4, "big") for i in range(8, 21)]
leaves = [leaf_hash(r) for r in records]

inclusion, consistency = [], []


def add_inclusion(name, leaf, i, n, proof, root):
    verdict = check_inclusion(leaf, i, n, proof, root)
    # Two sizes can share one path (leaf 0 of 5 and of 6): the signed checkpoint binds the size, the path does not.
    if name != "happy" and verdict == "valid":
        return
    inclusion.append(dict(name=f"{name}: leaf {i} of {n}", leafHash=leaf.hex(), index=i, size=n,
                          proof=proof.hex(), root=root.hex(), expected=verdict))


def add_consistency(name, m, old, n, new, proof):
    verdict = check_consistency(m, old, n, new, proof)
    if name != "happy" and verdict == "valid":
        return
    consistency.append(dict(name=f"{name}: {m} to {n}", firstSize=m, firstRoot=old.hex(), secondSize=n,
                            secondRoot=new.hex(), proof=proof.hex(), expected=verdict))


for i, n in [(0, 1), (0, 2), (2, 3), (1, 5), (4, 5), (6, 7), (0, 8), (5, 8), (7, 8), (8, 13), (12, 13), (20, 21)]:
    leaf, proof, root = leaves[i], b"".join(path(i, leaves[:n])), mth(leaves[:n])
    add_inclusion("happy", leaf, i, n, proof, root)
    for at in range(0, len(proof), 32):
        add_inclusion(f"flipped bit in hash {at // 32}", leaf, i, n, flip(proof, at * 8 + i), root)
    add_inclusion("flipped bit in the leaf", flip(leaf, 3), i, n, proof, root)
    add_inclusion("flipped bit in the root", leaf, i, n, proof, flip(root, 255))
    add_inclusion("root of the size before", leaf, i, n, proof, mth(leaves[:n - 1]))
    add_inclusion("truncated by one hash", leaf, i, n, proof[:-32], root)
    add_inclusion("truncated by one byte", leaf, i, n, proof[:-1], root)
    add_inclusion("trailing byte", leaf, i, n, proof + b"\0", root)
    add_inclusion("trailing hash", leaf, i, n, proof + bytes(32), root)
    add_inclusion("root as trailing hash", leaf, i, n, proof + root, root)
    add_inclusion("neighbouring hashes swapped", leaf, i, n, swap(proof), root)
    add_inclusion("neighbour's index", leaf, i ^ 1, n, proof, root)
    add_inclusion("next size", leaf, i, n + 1, proof, root)
    add_inclusion("size before", leaf, i, n - 1, proof, root)
    add_inclusion("index equal to size", leaf, n, n, proof, root)
    add_inclusion("negative index", leaf, -1, n, proof, root)
    add_inclusion("size nought", leaf, 0, 0, b"", root)
    add_inclusion("65 hashes", leaf, i, n, bytes(65 * 32), root)

for m, n in [(0, 5), (1, 1), (1, 2), (2, 3), (3, 4), (4, 5), (3, 7), (4, 7), (6, 7), (7, 8), (4, 8), (8, 8), (5, 13), (8, 21), (13, 21)]:
    old, new, proof = mth(leaves[:m]), mth(leaves[:n]), b"".join(subproof(m, leaves[:n], True)) if m else b""
    add_consistency("happy", m, old, n, new, proof)
    for at in range(0, len(proof), 32):
        add_consistency(f"flipped bit in hash {at // 32}", m, old, n, new, flip(proof, at * 8 + m))
    add_consistency("flipped bit in the first root", m, flip(old, 0), n, new, proof)
    add_consistency("flipped bit in the second root", m, old, n, flip(new, 255), proof)
    add_consistency("swapped roots", m, new, n, old, proof)
    add_consistency("truncated by one hash", m, old, n, new, proof[:-32])
    add_consistency("no hashes", m, old, n, new, b"")
    add_consistency("truncated by one byte", m, old, n, new, proof[:-1])
    add_consistency("trailing byte", m, old, n, new, proof + b"\0")
    add_consistency("trailing hash", m, old, n, new, proof + bytes(32))
    add_consistency("second root as trailing hash", m, old, n, new, proof + new)
    add_consistency("neighbouring hashes swapped", m, old, n, new, swap(proof))
    add_consistency("next first size", m + 1, old, n, new, proof)
    add_consistency("next second size", m, old, n + 1, new, proof)
    add_consistency("sizes swapped", n, old, m, new, proof)
    add_consistency("negative first size", -1, old, n, new, proof)

R = base64.b64encode(mth(leaves[:21])).decode()
E = base64.b64encode(sha(b"")).decode()
O = "log.example/taipei"
checkpoints = [dict(name=a, text=b, expected=c) for a, b, c in [
    ("happy", f"{O}\n21\n{R}\n", "valid"),
    ("with an extension", f"{O}\n21\n{R}\nopaque 1\n", "valid"),
    ("empty log", f"{O}\n0\n{E}\n", "valid"),
    ("largest size", f"{O}\n9223372036854775807\n{R}\n", "valid"),
    ("empty log with a root", f"{O}\n0\n{R}\n", "refused"),
    ("size too large", f"{O}\n9223372036854775808\n{R}\n", "refused"),
    ("leading zero", f"{O}\n021\n{R}\n", "refused"),
    ("two zeros", f"{O}\n00\n{E}\n", "refused"),
    ("plus sign", f"{O}\n+21\n{R}\n", "refused"),
    ("minus sign", f"{O}\n-1\n{R}\n", "refused"),
    ("space before the size", f"{O}\n 21\n{R}\n", "refused"),
    ("hexadecimal size", f"{O}\n0x15\n{R}\n", "refused"),
    ("digits of another script", f"{O}\n\uff12\uff11\n{R}\n", "refused"),
    ("no origin", f"\n21\n{R}\n", "refused"),
    ("no root", f"{O}\n21\n", "refused"),
    ("no newline at the end", f"{O}\n21\n{R}", "refused"),
    ("carriage returns", f"{O}\r\n21\r\n{R}\r\n", "refused"),
    ("empty line at the end", f"{O}\n21\n{R}\n\n", "refused"),
    ("empty line among extensions", f"{O}\n21\n{R}\na\n\nb\n", "refused"),
    ("root without padding", f"{O}\n21\n{R.rstrip('=')}\n", "refused"),
    ("root of 31 bytes", f"{O}\n21\n{base64.b64encode(bytes(31)).decode()}\n", "refused"),
    ("root of 33 bytes", f"{O}\n21\n{base64.b64encode(bytes(33)).decode()}\n", "refused"),
    ("root with a space in it", f"{O}\n21\n{R[:20]} {R[20:]}\n", "refused"),
    ("root with unused bits set", f"{O}\n21\n{base64.b64encode(bytes(32)).decode()[:-2]}B=\n", "refused"),
    ("root in base64url", f"{O}\n21\n{base64.urlsafe_b64encode(bytes([255] * 32)).decode()}\n", "refused"),
    ("tab in the origin", f"log\texample\n21\n{R}\n", "refused"),
    ("nothing", "", "refused"),
]]

with tempfile.TemporaryDirectory() as d:
    key, text, sig = (os.path.join(d, x) for x in ("key", "text", "sig"))
    body = checkpoints[0]["text"].encode()
    open(text, "wb").write(body)
    ssl = lambda *a: subprocess.run(["openssl", *a], check=True, capture_output=True).stdout
    ssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    spki = ssl("pkey", "-in", key, "-pubout", "-outform", "DER")
    ssl("dgst", "-sha256", "-sign", key, "-out", sig, text)
    key_hash = sha(spki)[:4]
    line = "\u2014 " + O + " " + base64.b64encode(key_hash + open(sig, "rb").read()).decode() + "\n"
    note = dict(verifierKey=f"{O}+{key_hash.hex()}+{base64.b64encode(bytes([2]) + spki).decode()}",
                note=body.decode() + "\n" + line)

vectors = dict(
    about="Merkle proofs and checkpoints of the evidence log; written by merkle.py, format in docs/formats/evidence.md. "
          "Bytes are hexadecimal; a proof is its hashes one after the other.",
    records=[r.hex() for r in records],
    leafHashes=[h.hex() for h in leaves],
    roots=[mth(leaves[:n]).hex() for n in range(len(leaves) + 1)],
    inclusion=inclusion, consistency=consistency, checkpoints=checkpoints, signedNote=note)
with open(os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "merkle.json"), "w", encoding="utf-8", newline="\n") as f:
    json.dump(vectors, f, indent=1, ensure_ascii=True)
    f.write("\n")
print(len(inclusion), "inclusion,", len(consistency), "consistency,", len(checkpoints), "checkpoints")
