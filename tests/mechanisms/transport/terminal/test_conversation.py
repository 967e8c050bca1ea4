"""One command line, on bytes alone: whatever pieces they come in, the answer is the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.mechanisms.transport.terminal.conversation import Conversation, Login
from rookery.mechanisms.transport.terminal.dialect import Dialect, Enable, Exchange, PatternNotValid
from rookery.mechanisms.transport.terminal.errors import EnableFailed, LoginFailed

CISCO = Dialect(prompt=r"[\w.-]+(?:\([\w-]+\))?[>#]\s?", enable=Enable())
LOGIN = Login("ann", "pass-word", "enable-word")
BANNER = b"\r\n*** authorised use only ***\r\nnot-a-prompt here\r\n"


def opened(greeting: bytes = BANNER + b"r1>") -> Conversation:
    talk = Conversation(CISCO, LOGIN)
    talk.open()
    talk.hear(greeting)
    assert talk.is_done
    return talk


def answered(talk: Conversation, command: str, *heard: bytes) -> str:
    talk.ask(command)
    for data in heard:
        talk.hear(data)
    assert talk.is_done
    return talk.said()


@given(st.lists(st.integers(1, 40), max_size=40))
def test_an_answer_is_the_same_in_whichever_pieces_it_comes(sizes: list[int]) -> None:
    talk = opened()
    whole = b"show run\r\nhostname r1\r\n!\r\nbanner r1# not a prompt\r\n --More-- \r         \rend\r\nr1>"
    talk.ask("show run")
    for size in [*sizes, len(whole)]:
        talk.hear(whole[:size])
        whole = whole[size:]
    if not talk.is_done:
        talk.hush()
    assert talk.is_done
    assert talk.said() == "hostname r1\n!\nbanner r1# not a prompt\nend"


def test_a_pager_is_answered_each_time_and_leaves_nothing() -> None:
    talk = opened()
    talk.ask("show run")
    assert talk.hear(b"show run\r\na\r\n --More-- ") == b" "
    assert (
        talk.hear(
            b"\x08\x08\x08\x08\x08\x08\x08\x08\x08        \x08\x08\x08\x08\x08\x08\x08\x08\x08b\r\n<--- "
        )
        == b""
    )
    assert talk.hear(b"r1 --->\r\n-- More -- ") == b" "
    talk.hear(b"\r            \rc\r\nr1>")
    assert talk.said() == "a\nb\n<--- r1 --->\nc"


def test_questions_are_answered_and_stay() -> None:
    asking = Dialect(prompt=CISCO.prompt, questions=(Exchange(r"Press any key to continue$", "x"),))
    talk = Conversation(asking, LOGIN)
    talk.open()
    assert talk.hear(b"Copyright\r\nPress any key to continue") == b"x"
    talk.hear(b"\r\nsw1# ")
    assert talk.is_done


def test_the_rest_of_a_banner_is_no_answer() -> None:
    talk = opened(b"\r\nfake>")
    talk.ask("terminal length 0")
    talk.hear(b" end of the banner\r\nr1>")
    assert not talk.is_done
    talk.hear(b"terminal length 0\r\nr1>")
    assert not talk.is_done
    assert talk.is_doubtful
    talk.hush()
    assert talk.is_done
    assert answered(talk, "show clock", b"show clock\r\n12:00\r\nr1>") == "12:00"


def test_a_prompt_may_show_another_mode_at_once_and_another_name_after_a_silence() -> None:
    talk = opened()
    assert answered(talk, "conf t", b"conf t\r\nr1(config)#") == ""
    talk.ask("hostname r2")
    talk.hear(b"hostname r2\r\nr2(config)#")
    assert (talk.is_done, talk.is_doubtful) == (False, True)
    talk.hush()
    assert talk.prompt == "r2(config)#"


def test_silence_makes_no_prompt_of_what_is_none() -> None:
    talk = opened()
    talk.ask("show run")
    talk.hear(b"show run\r\nhostname")
    talk.hush()
    assert not talk.is_done
    assert "hostname" in str(talk.unrecognised())


def test_privileges_are_got_with_their_own_secret() -> None:
    talk = opened()
    assert talk.enable() == b"enable\n"
    assert talk.hear(b"enable\r\nPassword: ") == b"enable-word\n"
    talk.hear(b"\r\nr1#")
    assert talk.is_done
    assert talk.enable() == b""


def test_privileges_that_are_refused_are_not_asked_for_again() -> None:
    talk = opened()
    talk.enable()
    talk.hear(b"enable\r\nPassword: ")
    with pytest.raises(EnableFailed):
        talk.hear(b"\r\nPassword: ")


def test_a_prompt_without_privileges_is_a_refusal_when_nothing_follows() -> None:
    talk = opened()
    talk.enable()
    talk.hear(b"enable\r\nPassword: ")
    talk.hear(b"\r\n% Access denied\r\nr1>")
    with pytest.raises(EnableFailed, match="Access denied"):
        talk.hush()


def test_what_a_device_says_before_it_hangs_up_is_told_unless_it_may_be_a_secret() -> None:
    talk = Conversation(CISCO, LOGIN)
    talk.open()
    talk.hear(b"All lines are taken,\r\ntry later.\r\n")
    assert talk.parting() == r" The last it sent: 'All lines are taken,\ntry later.'"
    talk.hear(b"Password: ")
    talk.hear(b"pass-word\r\n")
    assert talk.parting() == ""
    talk = opened()
    talk.ask("show run")
    talk.hear(b"show run\r\nkey secret\r\n")
    assert talk.parting() == ""


def test_a_login_is_given_once() -> None:
    talk = Conversation(CISCO, LOGIN)
    talk.open()
    assert talk.hear(b"User Access Verification\r\n\r\nUsername: ") == b"ann\n"
    assert talk.hear(b"ann\r\nPassword: ") == b"pass-word\n"
    talk.hear(b"\r\nr1>")
    assert talk.is_done


@pytest.mark.parametrize(
    "answer", [b"\r\n% Login invalid\r\n\r\nUsername: ", b"\r\nPassword: ", b"\r\nLogin incorrect\r\n"]
)
def test_a_refused_login_is_not_tried_again(answer: bytes) -> None:
    talk = Conversation(CISCO, LOGIN)
    talk.open()
    talk.hear(b"Username: ")
    talk.hear(b"ann\r\nPassword: ")
    with pytest.raises(LoginFailed):
        talk.hear(answer)


@pytest.mark.parametrize(
    "echo",
    [
        b"show running-config | include a-very-long-word\r\n",
        b"show running-config | inclu \x08de a-very-long-word\r\n",
        b"show running-config | include\r\n a-very-long-word\r\n",
        b"\rr1>show running-config | include a-very-long-word\r\n",
    ],
)
def test_an_echo_may_be_redrawn_or_broken(echo: bytes) -> None:
    talk = opened()
    said = answered(talk, "show running-config | include a-very-long-word", echo + b"found\r\nr1>")
    assert said.endswith("found")


def test_what_is_no_text_is_replaced() -> None:
    assert answered(opened(), "show x", b"show x\r\ndescription caf\xe9\r\nr1>") == "description caf\ufffd"


def test_a_pattern_that_is_none_is_said_to_be() -> None:
    with pytest.raises(PatternNotValid, match=r"\(\?=a\)"):
        Dialect(prompt="(?=a)").check()


def test_ten_megabytes_are_taken_in_small_pieces() -> None:
    talk = opened()
    line = b"interface Ethernet1/1\r\n description something\r\n"
    talk.ask("show run")
    talk.hear(b"show run\r\n")
    count = (10 << 20) // len(line)
    for _ in range(count):
        talk.hear(line)
    talk.hear(b"r1>")
    assert talk.said().count("\n") == 2 * count - 1


def test_a_prompt_whose_end_is_still_to_come_gives_no_privileges_yet() -> None:
    catos = Dialect(prompt=r"[\w.-]+> ?(?:\(enable\) ?)?", enable=Enable(prompt=r"\(enable\)\s?$"))
    talk = Conversation(catos, LOGIN)
    talk.open()
    talk.hear(b"sw> ")
    talk.enable()
    talk.hear(b"enable\r\nPassword: ")
    talk.hear(b"\r\nsw> ")
    assert (talk.is_done, talk.is_doubtful) == (False, True)
    talk.hear(b"(enable) ")
    assert talk.is_done


def test_a_prompt_without_a_name_is_doubted() -> None:
    talk = Conversation(Dialect(prompt="[>#] ?"), LOGIN)
    talk.open()
    talk.hear(b"# ")
    talk.ask("show config")
    talk.hear(b"show config\r\n# ")
    assert (talk.is_done, talk.is_doubtful) == (False, True)
    talk.hear(b"a comment\r\n# ")
    talk.hush()
    assert talk.said() == "# a comment"


def test_a_banner_that_tells_of_logins_asks_for_none() -> None:
    talk = Conversation(CISCO, LOGIN)
    talk.open()
    assert talk.hear(b"Last login: ") == b""
    assert talk.hear(b"Wed\r\nfailed since last successful login: ") == b""


def test_prompts_may_be_numbered() -> None:
    talk = Conversation(Dialect(prompt=r"\*? ?[\w.-]+ # "), LOGIN)
    talk.open()
    talk.hear(b"* sw1.7 # ")
    assert answered(talk, "show x", b"show x\r\ny\r\n* sw1.8 # ") == "y"
