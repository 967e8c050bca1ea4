"""The keys a template may have, and which of them ask for something that is not run, with the reason."""

from __future__ import annotations

from rookery.mechanisms.engine.names import names

OTHER_PROTOCOLS = names("code headless javascript websocket whois")
TEMPLATE_KEYS = OTHER_PROTOCOLS | names(
    "id info http requests dns tcp network ssl file workflows variables constants flow self-contained"
    " stop-at-first-match signature"
)
INFO_KEYS = names(
    "name author severity description impact remediation reference tags classification metadata"
)
BLOCK_KEYS = names("id name matchers extractors matchers-condition stop-at-first-match")
HTTP_KEYS = names(
    "id name method path raw body headers matchers extractors matchers-condition stop-at-first-match"
    " redirects host-redirects max-redirects disable-cookie cookie-reuse disable-path-automerge"
    " skip-variables-check max-size read-all req-condition payloads attack threads unsafe race race_count"
    " pipeline pipeline-concurrent-connections pipeline-requests-per-connection self-contained signature"
    " fuzzing global-matchers iterate-all digest-username digest-password analyzer pre-condition"
    " pre-condition-operator skip-secret-file"
)
REFUSED_FLAGS = {
    "self-contained": "self-contained: it talks to a third party, not to the target",
    "pipeline": "HTTP pipelining is not run",
    "global-matchers": "global-matchers are not run: they look at the responses of all other templates",
}
REFUSED_KEYS = {
    "fuzzing": "fuzzing is not run",
    "analyzer": "fuzzing is not run",
    "pre-condition": "pre-condition is for fuzzing, which is not run",
    "signature": "signed cloud requests are not run",
}
OPERATOR_KEYS = names("type name part condition negative internal case-insensitive")
MATCHER_LISTS = names("words regex binary dsl status size xpath")
MATCHER_KEYS = OPERATOR_KEYS | MATCHER_LISTS | {"encoding", "match-all"}
EXTRACTOR_KEYS = (OPERATOR_KEYS - {"condition", "negative"}) | names(
    "regex group kval json dsl xpath attribute"
)
MATCHER_LIST = {
    "word": "words", "regex": "regex", "binary": "binary", "dsl": "dsl", "status": "status", "size": "size",
    "xpath": "xpath",
}  # fmt: skip
EXTRACTOR_LIST = names("regex kval json dsl xpath")
