// A member system's way into the exchange, from Node: mutual TLS, a certificate-bound token, receipts, refusals, and the log checked by oneself.
//
// Needs @grpc/grpc-js and @grpc/proto-loader, and the .proto files; nothing of the exchange's own code.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const loader = require('@grpc/proto-loader');

const FORM = { keepCase: false, longs: Number, enums: String, bytes: Buffer, defaults: true, oneofs: true };

// Ends the program where a promise of the exchange is broken.
function promised(kept, promise) {
  if (!kept) throw new Error(`Promised: ${promise}`);
}

// What the calls came to, and the receipt of each.
class Tally {
  permitted = 0;
  refused = 0;
  withheld = new Set();
  receipts = new Map(); // position in the log -> { leaf, decision }

  keep(trailers) {
    const [position, leaf] = trailers.get('safetynet-record')[0].split(':');
    this.receipts.set(Number(position), { leaf: Buffer.from(leaf, 'base64url'), decision: trailers.get('safetynet-decision')[0] });
  }
}

class Exchange {
  constructor(cast) {
    this.cast = cast;
    this.tally = new Tally();
    const files = ['members', 'referrals', 'cases', 'households', 'inbox', 'audit'].map((name) => `safetynet/exchange/v1/${name}.proto`);
    this.definitions = loader.loadSync(files, { ...FORM, includeDirs: [cast.protos] });
    this.services = grpc.loadPackageDefinition(this.definitions).safetynet.exchange.v1;
    this.refusals = loader.loadSync('refusal.proto', { ...FORM, includeDirs: [cast.refusals] });
  }

  async enter(agency, unit, person, role = 'ACTOR_ROLE_WORKER') {
    const identity = path.join(this.cast.certificates, 'systems', `tpe.${agency}.case-system`);
    const tls = {
      ca: fs.readFileSync(path.join(this.cast.certificates, 'root.pem')), cert: fs.readFileSync(`${identity}.pem`), key: fs.readFileSync(`${identity}.key`),
    };
    const token = await fetchToken(this.cast.tokens, tls, `spiffe://safetynet.gov.tw/tpe/${agency}/case-system`);
    return new Party(this, tls, token, unit, person, role);
  }

  // What a refused call says of itself, the id of its decision left out: that differs between any two calls.
  readRefusal(error) {
    const status = this.refusals['foreign.Status'].deserialize(error.metadata.get('grpc-status-details-bin')[0]);
    const details = status.details.filter((detail) => !detail.type_url.endsWith('.RequestInfo'));
    const read = (name) => details.filter((detail) => detail.type_url.endsWith(`.${name}`)).map((detail) => this.refusals[`foreign.${name}`].deserialize(detail.value));
    return {
      reason: read('ErrorInfo')[0].reason,
      locales: read('LocalizedMessage').map((message) => message.locale),
      seen: JSON.stringify([error.code, error.details, status.code, status.message, details.map((detail) => [detail.type_url, detail.value.toString('base64')]),
        Object.keys(error.metadata.getMap()).sort()]),
    };
  }

  // How many receipts have their record in the log, at their position, with their hash, of their decision.
  countKeptReceipts(records, receipts) {
    const { deserialize } = this.definitions['safetynet.exchange.v1.AuditRecord'];
    return [...receipts].filter(([position, { leaf, decision }]) => position < records.length && leafHash(records[position]).equals(leaf)
      && deserialize(records[position]).decisionId === decision).length;
  }
}

// One agency's system, and the person and unit it acts for.
class Party {
  constructor(exchange, tls, token, unit, person, role) {
    Object.assign(this, { exchange, unit, person, role });
    const secure = grpc.credentials.createSsl(tls.ca, tls.key, tls.cert);
    const perCall = grpc.credentials.createFromMetadataGenerator((_, done) => {
      const metadata = new grpc.Metadata();
      metadata.set('authorization', `Bearer ${token}`);
      done(null, metadata);
    });
    const credentials = grpc.credentials.combineChannelCredentials(secure, perCall);
    const address = new URL(exchange.cast.exchange).host;
    const { services } = exchange;
    this.members = new services.MemberService(address, credentials);
    this.referrals = new services.ReferralService(address, credentials);
    this.cases = new services.CaseService(address, credentials);
    this.households = new services.HouseholdService(address, credentials);
    this.inbox = new services.InboxService(address, credentials);
    this.audit = new services.AuditService(address, credentials);
  }

  // The access context of a call; reference is { referralId }, { caseId } or nothing.
  context(reference = {}, purpose = 'PURPOSE_SERVICE_DELIVERY', legalBasis = 'LEGAL_BASIS_ARTICLE_6_INTEGRATED_SERVICE') {
    return { purpose, legalBasis, actor: { personId: this.person, role: this.role, unitId: this.unit }, ...reference };
  }

  // Makes a call that must be answered.
  async ask(service, method, request) {
    const { error, answer } = await this.#call(service, method, request);
    if (error) throw error;
    this.exchange.tally.permitted++;
    for (const withheld of answer.disclosure?.withheldClasses ?? []) this.exchange.tally.withheld.add(withheld);
    return answer;
  }

  // Makes a call that must be refused.
  async askInVain(service, method, request) {
    const { error } = await this.#call(service, method, request);
    promised(error, `${this.unit} is refused`);
    this.exchange.tally.refused++;
    return this.exchange.readRefusal(error);
  }

  // Makes a call that answers in a stream, and gives all of it.
  askForStream(service, method, request) {
    return new Promise((resolve, reject) => {
      const answers = [];
      this[service][method](request, { deadline: deadline() })
        .on('data', (answer) => answers.push(answer))
        .on('error', reject)
        .on('status', (status) => {
          if (status.code !== grpc.status.OK) return;
          this.exchange.tally.permitted++;
          this.exchange.tally.keep(status.metadata);
          resolve(answers);
        });
    });
  }

  #call(service, method, request) {
    return new Promise((resolve) => {
      let outcome;
      this[service][method](request, { deadline: deadline() }, (error, answer) => { outcome = { error, answer }; })
        .on('status', (status) => setImmediate(() => {
          // Not every failure reached the log; one that did not is no refusal of the exchange.
          if (status.metadata.get('safetynet-record').length > 0) this.exchange.tally.keep(status.metadata);
          resolve(outcome);
        }));
    });
  }
}

function deadline() {
  return Date.now() + 60_000;
}

// OAuth 2.0 client credentials, the client known by its certificate (RFC 8705).
function fetchToken(authority, tls, clientId) {
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: clientId }).toString();
  return new Promise((resolve, reject) => {
    const request = https.request(new URL('/token', authority), {
      ...tls, method: 'POST', minVersion: 'TLSv1.3', agent: false, headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(form) },
    }, (answer) => {
      const parts = [];
      answer.on('data', (part) => parts.push(part)).on('end', () => {
        const body = Buffer.concat(parts).toString();
        if (answer.statusCode === 200) resolve(JSON.parse(body).access_token);
        else reject(new Error(`Promised: a token for ${clientId}; it is ${answer.statusCode} ${body}`));
      });
    });
    request.on('error', reject).end(form);
  });
}

// The log, from docs/formats/evidence.md alone.

const sha256 = (...parts) => crypto.createHash('sha256').update(Buffer.concat(parts)).digest();

const leafHash = (record) => sha256(Buffer.of(0), record);

// Root over leaf hashes, RFC 6962 2.1, as it is written there.
function merkleRoot(leaves) {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return leaves[0];
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return sha256(Buffer.of(1), merkleRoot(leaves.slice(0, split)), merkleRoot(leaves.slice(split)));
}

// Checks the signature of a checkpoint, then gives its size and root.
function openCheckpoint(note, verifierKey) {
  const [, name, keyHash, key] = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/.exec(verifierKey);
  const bytes = Buffer.from(key, 'base64');
  promised(bytes[0] === 2, 'the log signs with ECDSA P-256');
  const publicKey = bytes.subarray(1);
  promised(sha256(publicKey).toString('hex', 0, 4) === keyHash, 'the hash in the verifier key is of its key');
  const divide = note.lastIndexOf('\n\n');
  const text = note.slice(0, divide + 1);
  const signatures = note.slice(divide + 2).split('\n').filter((line) => line.length > 0).map((line) => line.split(' '))
    .filter(([dash, signer]) => dash === '\u2014' && signer === name).map(([, , value]) => Buffer.from(value, 'base64'))
    .filter((value) => value.toString('hex', 0, 4) === keyHash);
  promised(signatures.length > 0, "the log's own signature on its checkpoint");
  const verifier = crypto.createPublicKey({ key: publicKey, format: 'der', type: 'spki' });
  for (const value of signatures)
    promised(crypto.verify('sha256', Buffer.from(text), verifier, value.subarray(4)), "the checkpoint's signature is good");
  const [origin, size, root] = text.split('\n');
  promised(origin === name, 'the checkpoint is of this log');
  return { size: Number(size), root: Buffer.from(root, 'base64') };
}

module.exports = { Exchange, leafHash, merkleRoot, openCheckpoint, promised };
