"""One family's story across five agencies, told by Python: what each makes happen, sees, and does not see. Ends with one line of JSON.

Usage: story.py CAST.json, with the generated stubs on PYTHONPATH. CAST.json: exchange, tokens, certificates, logKey, family, nobody.
"""

import json
import sys
import time

from exchange import (
    Party,
    Tally,
    count_kept_receipts,
    leaf_hash,
    merkle_root,
    new_request_id,
    open_checkpoint,
    require,
)
from safetynet.exchange.v1 import (
    access_pb2,
    audit_pb2 as audit,
    cases_pb2 as cases,
    codes_pb2 as codes,
    households_pb2 as households,
    inbox_pb2 as inbox,
    members_pb2 as members,
    referrals_pb2 as referrals,
)

SCHOOL_FACT = "連續缺課 11 天。Absent 11 days running."
MONEY_FACT = "母親失業，積欠午餐費。Mother out of work; lunch fees unpaid."
JOB_FACT = "餐飲業十年。Ten years in catering."
MOOD_NOTE = "入睡困難；已排每週會談。Trouble falling asleep; weekly sessions begun."
CLOSING_REMARK = "已穩定返校。Back at school."


def main(cast):
    tally = Tally()
    family, child, mother = cast["family"], cast["family"]["child"], cast["family"]["mother"]

    # The school finds the centre of its district and refers the child.
    school = Party(cast, tally, "edu", "tpe-school", "T0217")
    units = school.ask(
        school.members.ListUnits,
        members.ListUnitsRequest(
            context=school.context(), jurisdiction=codes.JURISDICTION_TPE, kind=codes.UNIT_KIND_SOCIAL_WELFARE_CENTER, district=family["district"]
        ),
    ).units
    require(units, "a social welfare centre serves " + family["district"])
    centre = Party(cast, tally, "dosw", units[0].unit_id, "W0108")
    school_referral = school.ask(
        school.referrals.CreateReferral,
        referrals.CreateReferralRequest(
            context=school.context(),
            request_id=new_request_id(),
            to_unit_id=centre.unit,
            subjects=[subject(child)],
            services=[codes.ARTICLE6_SERVICE_CARE_VISIT, codes.ARTICLE6_SERVICE_FINANCIAL_AID],
            facts=[fact(codes.CONFIDENTIALITY_CLASS_EDUCATION_RECORD, SCHOOL_FACT), fact(codes.CONFIDENTIALITY_CLASS_ECONOMIC, MONEY_FACT)],
            view=view(codes.CONFIDENTIALITY_CLASS_EDUCATION_RECORD, codes.CONFIDENTIALITY_CLASS_ECONOMIC),
            source_system=codes.SOURCE_SYSTEM_CAMPUS_SAFETY,
        ),
    ).referral
    require(school_referral.state == referrals.REFERRAL_STATE_SUBMITTED, "a new referral is submitted")
    referral_id = school_referral.referral_id

    # The centre finds it in its inbox, reads what the school opened, and begins.
    find_notice(centre, inbox.NOTICE_KIND_REFERRAL_RECEIVED, lambda notice: notice.referral_id == referral_id)
    by_referral = centre.context(referral_id=referral_id)
    seen = centre.ask(centre.referrals.GetReferral, referrals.GetReferralRequest(context=by_referral, referral_id=referral_id))
    require(seen.referral.subjects[0].national_id == child["nationalId"], "the centre sees who it is about")
    require([one.text for one in seen.referral.facts] == [SCHOOL_FACT, MONEY_FACT], "the centre reads what the school sent")
    etag = seen.referral.etag
    for method, request, state in (
        (centre.referrals.MarkReferralSeen, referrals.MarkReferralSeenRequest, referrals.REFERRAL_STATE_SEEN),
        (centre.referrals.AcceptReferral, referrals.AcceptReferralRequest, referrals.REFERRAL_STATE_ACCEPTED),
        (centre.referrals.BeginService, referrals.BeginServiceRequest, referrals.REFERRAL_STATE_IN_SERVICE),
    ):
        moved = centre.ask(method, request(context=by_referral, request_id=new_request_id(), referral_id=referral_id, etag=etag)).referral
        require(moved.state == state, "a referral moves as asked")
        etag = moved.etag

    # It looks the household up and opens a case as primary.
    found = look_up(centre, by_referral, child)
    require(found.person.national_id == child["nationalId"], "the person looked up")
    mother_id = next((one.person.person_id for one in found.members if one.person.national_id == mother["nationalId"]), None)
    require(mother_id, "the mother is of the same household")
    require(
        any(
            one.kinship == households.KINSHIP_GRANDPARENT and not one.same_household and one.person.national_id == family["grandparent"]["nationalId"]
            for one in found.relatives
        ),
        "a grandparent of another household is a relative to the second degree",
    )
    case = centre.ask(
        centre.cases.OpenCase,
        cases.OpenCaseRequest(
            context=centre.context(codes.PURPOSE_CASE_COORDINATION, referral_id=referral_id),
            request_id=new_request_id(),
            referral_id=referral_id,
            person_ids=[mother_id],
        ),
    ).case
    require(case.own_role == cases.PARTICIPANT_ROLE_PRIMARY, "who opens a case is its primary")
    require({one.person_id for one in case.subjects} == {found.person.person_id, mother_id}, "child and mother are its subjects")

    # It refers the mother to employment service and asks the mental health centre in.
    labor = Party(cast, tally, "labor", "tpe-employment", "L0033")
    health = Party(cast, tally, "health", "tpe-cmhc", "H0452")
    by_case = centre.context(codes.PURPOSE_CASE_COORDINATION, case_id=case.case_id)
    labor_referral = centre.ask(
        centre.referrals.CreateReferral,
        referrals.CreateReferralRequest(
            context=by_case,
            request_id=new_request_id(),
            to_unit_id=labor.unit,
            case_id=case.case_id,
            subjects=[subject(mother)],
            services=[codes.ARTICLE6_SERVICE_EMPLOYMENT_GUIDANCE],
            facts=[fact(codes.CONFIDENTIALITY_CLASS_EMPLOYMENT_RECORD, JOB_FACT)],
            view=view(codes.CONFIDENTIALITY_CLASS_EMPLOYMENT_RECORD),
        ),
    ).referral.referral_id
    centre.ask(
        centre.cases.InviteUnit,
        cases.InviteUnitRequest(
            context=by_case,
            request_id=new_request_id(),
            case_id=case.case_id,
            unit_id=health.unit,
            services=[codes.ARTICLE6_SERVICE_MENTAL_HEALTH],
            person_ids=[found.person.person_id],
        ),
    )

    # Labor accepts, and sees its part only.
    find_notice(labor, inbox.NOTICE_KIND_REFERRAL_RECEIVED, lambda notice: notice.referral_id == labor_referral)
    labor.ask(
        labor.referrals.AcceptReferral,
        referrals.AcceptReferralRequest(context=labor.context(referral_id=labor_referral), request_id=new_request_id(), referral_id=labor_referral),
    )
    part = labor.ask(
        labor.cases.GetCase, cases.GetCaseRequest(context=labor.context(codes.PURPOSE_CASE_COORDINATION, case_id=case.case_id), case_id=case.case_id)
    )
    require([one.person_id for one in part.case.subjects] == [mother_id], "labor sees the mother and not the child")
    require(all(one.unit_id == labor.unit for one in part.case.participants), "labor does not see who else serves the family")
    require(codes.CONFIDENTIALITY_CLASS_INVOLVEMENT in part.disclosure.withheld_classes, "the answer says what it withholds")

    # Police without a relationship: a child that exists and a person who does not are the same answer.
    police = Party(cast, tally, "police", "tpe-precinct", "P1189")
    asked = [
        police.ask_in_vain(
            police.households.LookUpHousehold,
            households.LookUpHouseholdRequest(context=police.context(case_id=case.case_id), national_id=national_id),
        )
        for national_id in (child["nationalId"], cast["nobody"])
    ]
    require(asked[0].reason == "NOT_FOUND" and set(asked[0].locales) == {"en", "zh-Hant-TW"}, "police are refused, in both languages")
    require(asked[0].seen == asked[1].seen, "the two refusals look alike, byte for byte")

    # Health joins and writes a note for itself and the primary.
    find_notice(health, inbox.NOTICE_KIND_CASE_INVITATION, lambda notice: notice.case_id == case.case_id)
    of_health = health.context(codes.PURPOSE_CASE_COORDINATION, case_id=case.case_id)
    health.ask(health.cases.JoinCase, cases.JoinCaseRequest(context=of_health, request_id=new_request_id(), case_id=case.case_id))
    health.ask(
        health.cases.CreateNote,
        cases.CreateNoteRequest(
            context=of_health,
            request_id=new_request_id(),
            case_id=case.case_id,
            confidentiality_class=codes.CONFIDENTIALITY_CLASS_MENTAL_HEALTH,
            text=MOOD_NOTE,
            shares=[cases.NoteShare(unit_id=centre.unit, legal_basis=codes.LEGAL_BASIS_SUBJECT_WAIVER)],
        ),
    )
    require([note.text for note in list_notes(centre, case.case_id)] == [MOOD_NOTE], "the primary reads the note shared with it")
    require(not list_notes(labor, case.case_id), "labor reads no note")

    # The primary sees who serves; the loop with the school is closed.
    serving = look_up(centre, by_case, child).involvements
    require(any(one.agency_kind == codes.AGENCY_KIND_LABOR and one.contact_window for one in serving), "labor serves the household, and has a window")
    require(any(one.agency_kind == codes.AGENCY_KIND_HEALTH and not one.unit_id for one in serving), "health is told by its system, not its unit")
    centre.ask(
        centre.referrals.CloseReferral,
        referrals.CloseReferralRequest(
            context=by_referral,
            request_id=new_request_id(),
            referral_id=referral_id,
            outcome=referrals.REFERRAL_OUTCOME_GOALS_MET,
            remark=CLOSING_REMARK,
        ),
    )
    find_notice(school, inbox.NOTICE_KIND_REFERRAL_MOVED, lambda notice: notice.referral_id == referral_id)
    told = school.ask(
        school.referrals.GetReferral, referrals.GetReferralRequest(context=school.context(referral_id=referral_id), referral_id=referral_id)
    ).referral
    require((told.state, told.outcome) == (referrals.REFERRAL_STATE_CLOSED, referrals.REFERRAL_OUTCOME_GOALS_MET), "the school learns the outcome")
    require(not any(move.remark for move in told.moves), "and no content")

    # The security officer: who saw the child, and is the log whole?
    officer = Party(cast, tally, "security", "tpe-security", "S0007", codes.ACTOR_ROLE_SECURITY_OFFICER)
    duty = officer.context(codes.PURPOSE_AUDIT, codes.LEGAL_BASIS_AUDIT_DUTY)
    entries = officer.ask(
        officer.audit.ListAccesses, audit.ListAccessesRequest(context=duty, national_id=child["nationalId"], page_size=200)
    ).entries
    accesses = {(entry.record.actor_unit_id, entry.record.outcome) for entry in entries}
    for unit in (school.unit, centre.unit, health.unit):
        require((unit, audit.AUDIT_OUTCOME_PERMITTED) in accesses, unit + " is among those who saw the child")
    require((police.unit, audit.AUDIT_OUTCOME_REFUSED) in accesses, "police, who asked in vain, are too")
    require(all(unit != labor.unit for unit, _ in accesses), "labor, which never saw the child, is not")
    require(all(entry.record.purpose and entry.record.legal_basis for entry in entries), "each access has purpose and basis")
    receipts = dict(tally.receipts)
    size, root = checkpoint_over(officer, duty, max(receipts), cast["logKey"])
    entries = [
        entry
        for answer in officer.ask_for_stream(officer.audit.ReadLog, audit.ReadLogRequest(context=duty, end=size))
        for entry in zip(answer.records, answer.record_hashes, strict=True)
    ]
    records, leaves = zip(*entries)
    # A record of another county comes as its hash alone.
    require(all(leaf_hash(record) == leaf for record, leaf in entries if record), "each record has the hash that stands beside it")
    print(
        json.dumps(
            {
                "client": "python",
                "calls": tally.permitted + tally.refused,
                "permitted": tally.permitted,
                "refused": tally.refused,
                "withheldClasses": sorted(codes.ConfidentialityClass.Name(one) for one in tally.withheld),
                "recordsInLog": len(records),
                "receipts": len(receipts),
                "receiptsInLog": count_kept_receipts(records, receipts),
                "logVerified": len(records) == size and merkle_root(list(leaves)) == root,
            }
        )
    )


def checkpoint_over(officer, duty, position, log_key):
    """Waits for a signed head that covers a record: within a second of it (design.md 8)."""
    for _ in range(60):
        answer = officer.ask(officer.audit.GetCheckpoint, audit.GetCheckpointRequest(context=duty))
        require(answer.verifier_key == log_key, "the exchange names the key that the officer holds")
        size, root = open_checkpoint(answer.note, log_key)
        if size > position:
            return size, root
        time.sleep(0.25)
    raise AssertionError("Promised: a signed checkpoint within seconds")


def find_notice(party, kind, fits):
    notices = party.ask(party.inbox.ListNotices, inbox.ListNoticesRequest(context=party.context(), page_size=500)).notices
    require(any(notice.kind == kind and fits(notice) for notice in notices), party.unit + " finds its notice")
    party.ask(
        party.inbox.AcknowledgeNotices,
        inbox.AcknowledgeNoticesRequest(context=party.context(), request_id=new_request_id(), up_to_sequence=notices[-1].sequence),
    )


def look_up(party, context, person):
    return party.ask(party.households.LookUpHousehold, households.LookUpHouseholdRequest(context=context, national_id=person["nationalId"]))


def list_notes(party, case_id):
    context = party.context(codes.PURPOSE_CASE_COORDINATION, codes.LEGAL_BASIS_SUBJECT_WAIVER, case_id=case_id)
    return party.ask(party.cases.ListNotes, cases.ListNotesRequest(context=context, case_id=case_id)).notes


def subject(person):
    return referrals.ReferralSubject(
        national_id=person["nationalId"], name=person["name"], birth_date=person["birthDate"], phone=person["phone"], address=person["address"]
    )


def fact(confidentiality_class, text):
    return referrals.ReferralFact(confidentiality_class=confidentiality_class, text=text)


def view(*further):
    return access_pb2.SenderView(classes=[codes.CONFIDENTIALITY_CLASS_IDENTITY, codes.CONFIDENTIALITY_CLASS_CONTACT, *further])


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        main(json.load(file))
