"""A SendGrid for tests and the demo: its v3 API and its Event Webhook, over real HTTP, for an account that is made up.

Purpose: whatever the product says to SendGrid, it can say to this; whatever SendGrid does to the product, this does.

Promises:
    - The same seed gives the same account and the same history of events.
    - What its parts tell agrees: events are about contacts that exist, a list's count is the number of rows of its export,
      suppressions and statistics follow from the events.
    - Its behaviour is SendGrid's own where that is documented, faults included, and can be bent for a test.

Never: it imports nothing of the product, so that no mistake of ours can hide by being made on both sides; and nothing in the
product imports it, except the commands `demo` and `smoke`.

    with Simulator(contacts=500, history_messages=2000) as sendgrid:
        sendgrid.url, sendgrid.api_key            # give these to a source
        sendgrid.account.add_list("VIP", 100)     # change what the API tells
        sendgrid.faults.server_error("/v3/marketing/lists", times=2)
        webhook = sendgrid.account.webhooks.all()[0]
        WebhookSender(webhook.url, webhook.private_key).send(sendgrid.account.history, batch=50)

As a process: `python -m sendgrid_orchestration.simulator --help`.
"""

from sendgrid_orchestration.simulator.account import DEMO_KEY, FULL_ACCESS, Account
from sendgrid_orchestration.simulator.events import EventScript, odd_events
from sendgrid_orchestration.simulator.faults import Fault, FaultPlan, RateLimits, RequestLog, Seen
from sendgrid_orchestration.simulator.posts import SMOOTH, Post, Trouble, compose
from sendgrid_orchestration.simulator.sender import SendSummary, WebhookSender
from sendgrid_orchestration.simulator.server import Simulator

__all__ = [
    "DEMO_KEY",
    "FULL_ACCESS",
    "SMOOTH",
    "Account",
    "EventScript",
    "Fault",
    "FaultPlan",
    "Post",
    "RateLimits",
    "RequestLog",
    "Seen",
    "SendSummary",
    "Simulator",
    "Trouble",
    "WebhookSender",
    "compose",
    "odd_events",
]
