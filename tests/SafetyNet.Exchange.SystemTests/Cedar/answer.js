// Answers need-to-know questions by the policies of this folder, in Cedar: node answer.js FOLDER QUESTIONS ANSWERS
// FOLDER holds node_modules with the engine. QUESTIONS has one question a line of JSON; ANSWERS gets one answer a line, in the same order:
// {"classes": [...], "rules": [...]}, both sorted.
//
// A question names codes without the prefix of their enum; lists of classes ("sent", "holdable", ...) say for which classes a fact holds, "flags" which facts hold for
// all. Each class is asked for on its own: action "see:CLASS", with what holds for that class in context.facts.
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const [folder, questions, answers] = process.argv.slice(2);
const cedar = require(path.join(folder, 'node_modules', '@cedar-policy', 'cedar-wasm', 'nodejs'));

const classes = [
  'IDENTITY', 'CONTACT', 'HOUSEHOLD', 'INVOLVEMENT', 'ECONOMIC', 'EDUCATION_RECORD', 'EMPLOYMENT_RECORD', 'IMMIGRATION_RECORD', 'HEALTH_RECORD', 'MENTAL_HEALTH',
  'SUICIDE', 'SUBSTANCE_USE', 'INFECTIOUS_DISEASE', 'DOMESTIC_VIOLENCE', 'SEXUAL_ASSAULT', 'CHILD_PROTECTION', 'JUVENILE_JUSTICE', 'CRIMINAL', 'REPORTER_IDENTITY',
  'CASE_NOTE', 'PUBLIC_STATUS',
];
const factsByClass = ['holdable', 'sent', 'supplied', 'agenda', 'shared', 'scope', 'granted', 'revealed'];
// Withhold without a rule of the exchange to name.
const nameless = new Set(['UNHELD', 'UNKNOWN']);

function must(answer, what) {
  if (answer.type === 'failure') throw new Error(`${what}: ${answer.errors.map((e) => e.message).join('; ')}`);
  return answer;
}

/** The policies of all files: id, text, effect, the actions they are about (null: every class), and the classes that a legal basis carries. */
function readPolicies() {
  const policies = [];
  for (const file of fs.readdirSync(__dirname).filter((name) => name.endsWith('.cedar')).sort()) {
    const parts = must(cedar.policySetTextToParts(fs.readFileSync(path.join(__dirname, file), 'utf8')), file);
    for (const text of parts.policies) {
      const { json } = must(cedar.policyToJson(text), file);
      const scope = json.action;
      const actions = scope.op === 'All' ? null : (scope.entities ?? [scope.entity]).map((entity) => (entity.__entity ?? entity).id);
      const { id, carries } = json.annotations;
      policies.push({ id, text, effect: json.effect, actions, carries: carries?.split(' ') ?? [] });
    }
  }

  if (new Set(policies.map((p) => p.id)).size !== policies.length) throw new Error('two policies have one id');
  return policies;
}

/** Per action only the policies that are about it: what Cedar would find not to apply it need not be shown. */
function prepare(policies) {
  const prepared = (name, set) => must(cedar.preparsePolicySet(name, { staticPolicies: Object.fromEntries(set.map((p) => [p.id, p.text])) }), name);
  for (const one of classes) {
    const action = `see:${one}`;
    const about = policies.filter((p) => p.actions === null || p.actions.includes(action));
    prepared(action, about);
    prepared(`permits ${action}`, about.filter((p) => p.effect === 'permit'));
  }

  for (const action of ['stand-on-basis', 'be-at-home', 'reach']) prepared(action, policies.filter((p) => p.actions?.includes(action)));
}

function ask(action, context, set = action) {
  const { response } = must(cedar.statefulIsAuthorized({
    principal: { type: 'Unit', id: 'caller' },
    action: { type: 'Action', id: action },
    resource: { type: 'Person', id: 'subject' },
    context,
    preparsedPolicySetId: set,
    entities: [],
  }), action);
  const { reason, errors } = response.diagnostics;
  if (errors.length !== 0) throw new Error(`${action}: ${JSON.stringify(errors)}`);
  return { allowed: response.decision === 'allow', reason };
}

function decide(question) {
  const { on, purpose, basis, shareBasis, agencyKind, unitKind, relationships, flags, callerJurisdiction, resourceJurisdiction } = question;
  const based = ask('stand-on-basis', { purpose, basis, agencyKind, on });
  if (!based.allowed) return { classes: [], rules: [] };
  const sharedOn = flags.includes('sharedWithCaller') ? ask('stand-on-basis', { purpose, basis: shareBasis, agencyKind, on }).reason : [];
  const carries = (entry, one) => carriedBy.get(entry).includes(one);

  const always = [...flags];
  if (ask('be-at-home', { callerJurisdiction, resourceJurisdiction }).allowed) always.push('home');
  const rules = new Set();
  const reaching = ask('reach', { relationships, facts: always });
  if (!reaching.allowed) reaching.reason.forEach((id) => rules.add(id));

  const seen = [];
  for (const one of classes) {
    const facts = always.concat(factsByClass.filter((fact) => question[fact].includes(one)));
    if (based.reason.some((entry) => carries(entry, one))) facts.push('carried');
    if (sharedOn.some((entry) => carries(entry, one))) facts.push('carriedByShare');
    if (one === 'PUBLIC_STATUS' && !facts.includes('holdable')) facts.push('holdable');
    const context = { relationships, facts, purpose, basis, shareBasis, agencyKind, unitKind };
    const action = `see:${one}`;
    const answer = ask(action, context);
    if (answer.allowed) seen.push(one);
    // A forbid decides only where something would have been seen without it; Cedar names it either way.
    const decided = answer.allowed
      || (answer.reason.length !== 0 && !answer.reason.some((id) => nameless.has(id)) && ask(action, context, `permits ${action}`).allowed);
    if (decided) answer.reason.forEach((id) => rules.add(id));
  }

  // Every permitted access names what it stands on (R-NTK-16).
  based.reason.filter((entry) => seen.some((one) => carries(entry, one))).forEach((entry) => rules.add(entry));
  sharedOn.filter((entry) => seen.some((one) => question.shared.includes(one) && carries(entry, one))).forEach((entry) => rules.add(entry));
  return { classes: seen, rules: [...rules] };
}

const policies = readPolicies();
const carriedBy = new Map(policies.map((p) => [p.id, p.carries]));
prepare(policies);
const lines = fs.readFileSync(questions, 'utf8').split('\n').filter((line) => line !== '');
fs.writeFileSync(answers, lines.map((line) => {
  const answer = decide(JSON.parse(line));
  return `${JSON.stringify({ classes: answer.classes.sort(), rules: answer.rules.sort() })}\n`;
}).join(''));
