"""Helpers of nuclei that are not run here, each with its reason: a template that calls one is refused."""

from __future__ import annotations

REFUSED = {
    "cookie_unsign": "it guesses secrets from a word list of nuclei's",
    "dns_resolve": "it asks a name server from within an expression",
    "generate_dns_gadget": "it makes objects that call out of the network",
    "generate_dotnet_gadget": "it makes objects that run commands on the target",
    "generate_java_gadget": "it makes objects that run commands on the target",
    "jarm": "it opens connections; only jarm(Hostname) in matchers and extractors of tcp is run",
    "llm_prompt": "it hands data to a language model",
    "public_ip": "it asks a third party",
    "resolve": "it asks a name server from within an expression",
    "wappalyzer": "it needs a data set of nuclei's",
    "xpath": "xpath runs in matchers and extractors only",
}
