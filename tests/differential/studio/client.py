"""Studio's REST with the `twilio` package of PyPI: a line for each check."""

import datetime
import sys
import time

from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

BASE, SID, TOKEN = sys.argv[1:]
OURS = "+15550199"


class Elsewhere(TwilioHttpClient):
    """Asks the gateway where Twilio would be asked."""

    def request(self, method, url, *arguments, **options):
        url = url.replace("https://studio.twilio.com", BASE)
        return super().request(method, url, *arguments, **options)


def check(what, value, expected=True):
    print(f"ok {what}" if value == expected else f"{what}: {value!r}, not {expected!r}")


def refusal(what, status, code, action):
    try:
        action()
        print(f"{what}: it was not refused")
    except TwilioRestException as error:
        check(what, (error.status, error.code), (status, code))
        return error


def until(what, found):
    for _ in range(100):
        if found():
            return check(what, True)
        time.sleep(0.05)
    check(what, False)


def main():
    client = Client(SID, TOKEN, http_client=Elsewhere(timeout=20))
    for _ in range(100):
        try:
            client.studio.v2.flows("count").executions.list(limit=1)
            break
        except OSError:
            time.sleep(0.05)
    count = client.studio.v2.flows("count").executions
    made = count.create(to="+15550100", from_=OURS, parameters={"name": "Ada"})
    check("create: sid", made.sid[:2] + str(len(made.sid)), "FN34")
    check("create: status", made.status, "active")
    check("create: account", made.account_sid, SID)
    check("create: contact", made.contact_channel_address, "+15550100")
    age = datetime.datetime.now(datetime.timezone.utc) - made.date_created
    check("create: date", abs(age.total_seconds()) < 60)
    until("it runs to its end", lambda: count(made.sid).fetch().status == "ended")
    fetched = made.fetch()
    check("fetch: the same", (fetched.sid, fetched.flow_sid), (made.sid, made.flow_sid))
    by_sid = client.studio.v2.flows(made.flow_sid).executions(made.sid).fetch()
    check("fetch: by the flow's sid", by_sid.sid, made.sid)
    context = count(made.sid).execution_context().fetch()
    check("context: variable", context.context["flow"]["variables"]["told"], "Ada of +15550100")
    check("context: sid", context.execution_sid, made.sid)
    steps = count(made.sid).steps.list()
    check("steps: newest first", [step.transitioned_to for step in steps],
          ["Ended", "second", "first"])
    check("steps: pages", [step.sid for step in count(made.sid).steps.list(page_size=1)],
          [step.sid for step in steps])
    step = count(made.sid).steps(steps[1].sid).fetch()
    check("step: names", (step.name, step.transitioned_from), ("next", "first"))
    context = count(made.sid).steps(step.sid).step_context().fetch()
    check("step: context", context.context["widgets"]["first"]["who"], "Ada")

    sids = [made.sid]
    for number in range(24):
        sids.insert(0, count.create(to=f"+1555{number:04}", from_=OURS).sid)
    check("list: all pages", [found.sid for found in count.list(page_size=10)], sids)
    check("list: a limit", [found.sid for found in count.list(limit=12, page_size=5)], sids[:12])
    first = count.page(page_size=10)
    second = first.next_page()
    check("page: next", [found.sid for found in second], sids[10:20])
    check("page: previous", [found.sid for found in second.previous_page()], sids[:10])
    check("page: by its URL", [f.sid for f in count.get_page(first.next_page_url)], sids[10:20])
    hour = datetime.timedelta(hours=1)
    now = datetime.datetime.now(datetime.timezone.utc)
    check("list: from then", len(count.list(date_created_from=now - hour)), 25)
    check("list: after all", count.list(date_created_from=now + hour), [])
    check("list: before all", count.list(date_created_to=now - hour), [])

    ask = client.studio.v2.flows("ask").executions
    waits = ask.create(to="+15550100", from_=OURS, parameters={"name": "Ada"})
    asked = lambda: "ask" in waits.execution_context().fetch().context["widgets"]
    until("it asks and waits", asked)
    error = refusal("conflict", 409, 20409, lambda: ask.create(to="+15550100", from_=OURS))
    details = (error.details or {}) if error else {}
    check("conflict: with whom", details.get("conflicting_execution_sid"), waits.sid)
    check("update: ended", ask(waits.sid).update(status="ended").status, "ended")
    check("after it another", ask.create(to="+15550100", from_=OURS).sid != waits.sid)
    check("delete", ask(waits.sid).delete())
    refusal("fetch: deleted", 404, 20404, ask(waits.sid).fetch)
    nowhere = client.studio.v2.flows("nowhere").executions
    # Of a page that is refused the package tells no code.
    refusal("an unknown flow", 404, 20404, nowhere(waits.sid).fetch)
    refusal("without To", 400, 21604, lambda: count.create(to="", from_=OURS))
    stranger = Client(SID, "wrong", http_client=Elsewhere(timeout=20))
    strangers = stranger.studio.v2.flows("count").executions
    refusal("a wrong token", 401, 20003, strangers(made.sid).fetch)
    print("ok done")


main()
