"""The keys a template may have, and which of them ask for something that is not run, with the reason."""

from __future__ import annotations

from rookery.mechanisms.engine.names import names

OTHER_PROTOCOLS = names("code dns file headless javascript network ssl tcp websocket whois")
TEMPLATE_KEYS = OTHER_PROTOCOLS | names(
    "id info http requests variables constants flow self-contained stop-at-first-match signature workflows"
)
INFO_KEYS = names(
    "name author severity description impact remediation reference tags classification metadata"
)
CLASSIFICATION_KEYS = names("cve-id cwe-id cvss-metrics cvss-score epss-score epss-percentile cpe")
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
    "unsafe": "unsafe: malformed raw requests are not sent yet",
    "race": "race conditions are not run",
    "pipeline": "HTTP pipelining is not run",
    "global-matchers": "global-matchers are not run yet",
    "iterate-all": "iterate-all is not run yet",
    "read-all": "read-all is not run yet",
}
REFUSED_KEYS = {
    "payloads": "payloads are not run yet",
    "fuzzing": "fuzzing is not run",
    "analyzer": "fuzzing is not run",
    "pre-condition": "pre-condition is not run yet",
    "digest-username": "digest authentication is not run yet",
    "signature": "signed cloud requests are not run",
}
OPERATOR_KEYS = names("type name part condition negative internal case-insensitive")
MATCHER_LISTS = names("words regex binary dsl status size xpath")
MATCHER_KEYS = OPERATOR_KEYS | MATCHER_LISTS | {"encoding", "match-all"}
EXTRACTOR_KEYS = (OPERATOR_KEYS - {"condition", "negative"}) | names(
    "regex group kval json dsl xpath attribute"
)
MATCHER_LIST = {
    "word": "words", "regex": "regex", "binary": "binary", "dsl": "dsl", "status": "status", "size": "size"
}  # fmt: skip
