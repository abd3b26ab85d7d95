// One family's story across five agencies, told by Node: what each makes happen, sees, and does not see. Ends with one line of JSON.
//
// Usage: node story.js CAST.json. CAST.json: exchange, tokens, certificates, protos, refusals, logKey, family, nobody.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const { setTimeout: sleep } = require('node:timers/promises');
const { Exchange, leafHash, merkleRoot, openCheckpoint, promised } = require('./exchange.js');

const SCHOOL_FACT = '連續缺課 11 天。Absent 11 days running.';
const MONEY_FACT = '母親失業，積欠午餐費。Mother out of work; lunch fees unpaid.';
const JOB_FACT = '餐飲業十年。Ten years in catering.';
const MOOD_NOTE = '入睡困難；已排每週會談。Trouble falling asleep; weekly sessions begun.';
const CLOSING_REMARK = '已穩定返校。Back at school.';
const COORDINATION = 'PURPOSE_CASE_COORDINATION';

async function main(cast) {
  const exchange = new Exchange(cast);
  const { family } = cast;
  const { child, mother } = family;

  // The school finds the centre of its district and refers the child.
  const school = await exchange.enter('edu', 'tpe-school', 'T0217');
  const { units } = await school.ask('members', 'listUnits', {
    context: school.context(), jurisdiction: 'JURISDICTION_TPE', kind: 'UNIT_KIND_SOCIAL_WELFARE_CENTER', district: family.district,
  });
  promised(units.length > 0, `a social welfare centre serves ${family.district}`);
  const centre = await exchange.enter('dosw', units[0].unitId, 'W0108');
  const { referral } = await school.ask('referrals', 'createReferral', {
    context: school.context(),
    requestId: crypto.randomUUID(),
    toUnitId: centre.unit,
    subjects: [subject(child)],
    services: ['ARTICLE6_SERVICE_CARE_VISIT', 'ARTICLE6_SERVICE_FINANCIAL_AID'],
    facts: [fact('EDUCATION_RECORD', SCHOOL_FACT), fact('ECONOMIC', MONEY_FACT)],
    view: view('EDUCATION_RECORD', 'ECONOMIC'),
    sourceSystem: 'SOURCE_SYSTEM_CAMPUS_SAFETY',
  });
  promised(referral.state === 'REFERRAL_STATE_SUBMITTED', 'a new referral is submitted');
  const { referralId } = referral;

  // The centre finds it in its inbox, reads what the school opened, and begins.
  await findNotice(centre, 'NOTICE_KIND_REFERRAL_RECEIVED', (notice) => notice.referralId === referralId);
  const byReferral = centre.context({ referralId });
  const seen = await centre.ask('referrals', 'getReferral', { context: byReferral, referralId });
  promised(seen.referral.subjects[0].nationalId === child.nationalId, 'the centre sees who it is about');
  promised(same(seen.referral.facts.map((one) => one.text), [SCHOOL_FACT, MONEY_FACT]), 'the centre reads what the school sent');
  let { etag } = seen.referral;
  for (const [method, state] of [['markReferralSeen', 'SEEN'], ['acceptReferral', 'ACCEPTED'], ['beginService', 'IN_SERVICE']]) {
    const moved = await centre.ask('referrals', method, { context: byReferral, requestId: crypto.randomUUID(), referralId, etag });
    promised(moved.referral.state === `REFERRAL_STATE_${state}`, 'a referral moves as asked');
    etag = moved.referral.etag;
  }

  // It looks the household up and opens a case as primary.
  const found = await lookUp(centre, byReferral, child);
  promised(found.person.nationalId === child.nationalId, 'the person looked up');
  const childId = found.person.personId;
  const motherId = found.members.find((one) => one.person.nationalId === mother.nationalId)?.person.personId;
  promised(motherId, 'the mother is of the same household');
  promised(found.relatives.some((one) => one.kinship === 'KINSHIP_GRANDPARENT' && !one.sameHousehold && one.person.nationalId === family.grandparent.nationalId),
    'a grandparent of another household is a relative to the second degree');
  const opened = await centre.ask('cases', 'openCase', {
    context: centre.context({ referralId }, COORDINATION), requestId: crypto.randomUUID(), referralId, personIds: [motherId],
  });
  promised(opened.case.ownRole === 'PARTICIPANT_ROLE_PRIMARY', 'who opens a case is its primary');
  promised(same(opened.case.subjects.map((one) => one.personId).sort(), [childId, motherId].sort()), 'child and mother are its subjects');
  const { caseId } = opened.case;

  // It refers the mother to employment service and asks the mental health centre in.
  const labor = await exchange.enter('labor', 'tpe-employment', 'L0033');
  const health = await exchange.enter('health', 'tpe-cmhc', 'H0452');
  const byCase = centre.context({ caseId }, COORDINATION);
  const toLabor = await centre.ask('referrals', 'createReferral', {
    context: byCase,
    requestId: crypto.randomUUID(),
    toUnitId: labor.unit,
    caseId,
    subjects: [subject(mother)],
    services: ['ARTICLE6_SERVICE_EMPLOYMENT_GUIDANCE'],
    facts: [fact('EMPLOYMENT_RECORD', JOB_FACT)],
    view: view('EMPLOYMENT_RECORD'),
  });
  const laborReferral = toLabor.referral.referralId;
  await centre.ask('cases', 'inviteUnit', {
    context: byCase, requestId: crypto.randomUUID(), caseId, unitId: health.unit, services: ['ARTICLE6_SERVICE_MENTAL_HEALTH'], personIds: [childId],
  });

  // Labor accepts, and sees its part only.
  await findNotice(labor, 'NOTICE_KIND_REFERRAL_RECEIVED', (notice) => notice.referralId === laborReferral);
  await labor.ask('referrals', 'acceptReferral', { context: labor.context({ referralId: laborReferral }), requestId: crypto.randomUUID(), referralId: laborReferral });
  const part = await labor.ask('cases', 'getCase', { context: labor.context({ caseId }, COORDINATION), caseId });
  promised(same(part.case.subjects.map((one) => one.personId), [motherId]), 'labor sees the mother and not the child');
  promised(part.case.participants.every((one) => one.unitId === labor.unit), 'labor does not see who else serves the family');
  promised(part.disclosure.withheldClasses.includes('CONFIDENTIALITY_CLASS_INVOLVEMENT'), 'the answer says what it withholds');

  // Police without a relationship: a child that exists and a person who does not are the same answer.
  const police = await exchange.enter('police', 'tpe-precinct', 'P1189');
  const aboutChild = await police.askInVain('households', 'lookUpHousehold', { context: police.context({ caseId }), nationalId: child.nationalId });
  const aboutNobody = await police.askInVain('households', 'lookUpHousehold', { context: police.context({ caseId }), nationalId: cast.nobody });
  promised(aboutChild.reason === 'NOT_FOUND' && same(aboutChild.locales.sort(), ['en', 'zh-Hant-TW']), 'police are refused, in both languages');
  promised(aboutChild.seen === aboutNobody.seen, 'the two refusals look alike, byte for byte');

  // Health joins and writes a note for itself and the primary.
  await findNotice(health, 'NOTICE_KIND_CASE_INVITATION', (notice) => notice.caseId === caseId);
  const ofHealth = health.context({ caseId }, COORDINATION);
  await health.ask('cases', 'joinCase', { context: ofHealth, requestId: crypto.randomUUID(), caseId });
  await health.ask('cases', 'createNote', {
    context: ofHealth,
    requestId: crypto.randomUUID(),
    caseId,
    confidentialityClass: 'CONFIDENTIALITY_CLASS_MENTAL_HEALTH',
    text: MOOD_NOTE,
    shares: [{ unitId: centre.unit, legalBasis: 'LEGAL_BASIS_SUBJECT_WAIVER' }],
  });
  promised(same((await listNotes(centre, caseId)).map((note) => note.text), [MOOD_NOTE]), 'the primary reads the note shared with it');
  promised((await listNotes(labor, caseId)).length === 0, 'labor reads no note');

  // The primary sees who serves; the loop with the school is closed.
  const { involvements } = await lookUp(centre, byCase, child);
  promised(involvements.some((one) => one.agencyKind === 'AGENCY_KIND_LABOR' && one.contactWindow), 'labor serves the household, and has a window');
  promised(involvements.some((one) => one.agencyKind === 'AGENCY_KIND_HEALTH' && one.unitId === ''), 'health is told by its system, not its unit');
  await centre.ask('referrals', 'closeReferral', {
    context: byReferral, requestId: crypto.randomUUID(), referralId, outcome: 'REFERRAL_OUTCOME_GOALS_MET', remark: CLOSING_REMARK,
  });
  await findNotice(school, 'NOTICE_KIND_REFERRAL_MOVED', (notice) => notice.referralId === referralId);
  const told = (await school.ask('referrals', 'getReferral', { context: school.context({ referralId }), referralId })).referral;
  promised(told.state === 'REFERRAL_STATE_CLOSED' && told.outcome === 'REFERRAL_OUTCOME_GOALS_MET', 'the school learns the outcome');
  promised(told.moves.every((move) => move.remark === ''), 'and no content');

  // The security officer: who saw the child, and is the log whole?
  const officer = await exchange.enter('security', 'tpe-security', 'S0007', 'ACTOR_ROLE_SECURITY_OFFICER');
  const duty = officer.context({}, 'PURPOSE_AUDIT', 'LEGAL_BASIS_AUDIT_DUTY');
  const { entries } = await officer.ask('audit', 'listAccesses', { context: duty, nationalId: child.nationalId, pageSize: 200 });
  const accessed = (unit, outcome) => entries.some(({ record }) => record.actorUnitId === unit && record.outcome === `AUDIT_OUTCOME_${outcome}`);
  for (const party of [school, centre, health]) promised(accessed(party.unit, 'PERMITTED'), `${party.unit} is among those who saw the child`);
  promised(accessed(police.unit, 'REFUSED'), 'police, who asked in vain, are too');
  promised(entries.every(({ record }) => record.actorUnitId !== labor.unit), 'labor, which never saw the child, is not');
  promised(entries.every(({ record }) => record.purpose !== 'PURPOSE_UNSPECIFIED' && record.legalBasis !== 'LEGAL_BASIS_UNSPECIFIED'), 'each access has purpose and basis');
  const receipts = new Map(exchange.tally.receipts);
  const { size, root } = await checkpointOver(officer, duty, Math.max(...receipts.keys()), cast.logKey);
  const answers = await officer.askForStream('audit', 'readLog', { context: duty, end: size });
  const [records, leaves] = [answers.flatMap((answer) => answer.records), answers.flatMap((answer) => answer.recordHashes)];
  // A record of another county comes as its hash alone.
  promised(records.every((record, i) => !record.length || leafHash(record).equals(leaves[i])), 'each record has the hash that stands beside it');

  const { permitted, refused, withheld } = exchange.tally;
  console.log(JSON.stringify({
    client: 'node',
    calls: permitted + refused,
    permitted,
    refused,
    withheldClasses: [...withheld].sort(),
    recordsInLog: records.length,
    receipts: receipts.size,
    receiptsInLog: exchange.countKeptReceipts(records, receipts),
    logVerified: records.length === size && leaves.length === size && merkleRoot(leaves).equals(root),
  }));
}

// Waits for a signed head that covers a record: within a second of it (design.md 8).
async function checkpointOver(officer, duty, position, logKey) {
  for (let attempt = 0; attempt < 60; attempt++) {
    const answer = await officer.ask('audit', 'getCheckpoint', { context: duty });
    promised(answer.verifierKey === logKey, 'the exchange names the key that the officer holds');
    const checkpoint = openCheckpoint(answer.note, logKey);
    if (checkpoint.size > position) return checkpoint;
    await sleep(250);
  }
  throw new Error('Promised: a signed checkpoint within seconds');
}

async function findNotice(party, kind, fits) {
  const { notices } = await party.ask('inbox', 'listNotices', { context: party.context(), pageSize: 500 });
  promised(notices.some((notice) => notice.kind === kind && fits(notice)), `${party.unit} finds its notice`);
  await party.ask('inbox', 'acknowledgeNotices', { context: party.context(), requestId: crypto.randomUUID(), upToSequence: notices.at(-1).sequence });
}

const lookUp = (party, context, person) => party.ask('households', 'lookUpHousehold', { context, nationalId: person.nationalId });

const listNotes = async (party, caseId) =>
  (await party.ask('cases', 'listNotes', { context: party.context({ caseId }, COORDINATION, 'LEGAL_BASIS_SUBJECT_WAIVER'), caseId })).notes;

const subject = ({ nationalId, name, birthDate, phone, address }) => ({ nationalId, name, birthDate, phone, address });

const fact = (confidentialityClass, text) => ({ confidentialityClass: `CONFIDENTIALITY_CLASS_${confidentialityClass}`, text });

const view = (...further) => ({ classes: ['IDENTITY', 'CONTACT', ...further].map((name) => `CONFIDENTIALITY_CLASS_${name}`) });

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

main(JSON.parse(fs.readFileSync(process.argv[2], 'utf8'))).then(() => process.exit(0), (error) => {
  console.error(error);
  process.exit(1);
});
