"""The file of users: what is taken, what is refused with which words, and that it is read again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from streams.cli.main import main
from streams.page.access.passwords import LONGEST, PasswordError, Passwords, hashed
from streams.page.access.users import User, UsersError, UsersFile, parse

HASH = "$2b$12$" + "a" * 53
LINE = f"anna:{HASH}"


def test_lines_are_users_and_a_role_that_is_not_said_is_the_lesser() -> None:
    users = parse(f"# who may look\n\n{LINE}\nola@shop.example:{HASH}:operator\n", "users")
    assert users == {
        "anna": User("anna", HASH, "leader"),
        "ola@shop.example": User("ola@shop.example", HASH, "operator"),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("anna", "users:1: anna has no bcrypt hash of cost 10 to 16"),
        ("anna:secret", "users:1: anna has no bcrypt hash"),
        ("anna:$apr1$x$y", "users:1: anna has no bcrypt hash"),
        (f"anna:{HASH.replace('12', '08')}", "users:1: anna has no bcrypt hash"),
        (f"{LINE}:admin", "users:1: anna has a role that there is not; write leader or operator"),
        (f"{LINE}\n{LINE}", "users:2: anna is there twice"),
        (f"an na:{HASH}", "users:1: a name has 1 to 64"),
        (f"{LINE}\nola:{HASH.replace('12', '10')}", "users: hashes have costs 10, 12; make all with one"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line_and_without_its_hash(text: str, said: str) -> None:
    with pytest.raises(UsersError) as refused:
        parse(text, "users")
    assert str(refused.value).startswith(said)
    assert "secret" not in str(refused.value)
    assert "aaaa" not in str(refused.value)


def test_it_is_read_again_when_it_changes_and_a_mistake_locks_nobody_out(tmp_path: Path) -> None:
    path = tmp_path / "users"
    path.write_text(f"{LINE}\nola:{HASH}\n")
    users = UsersFile(path)
    assert users.users().keys() == {"anna", "ola"}
    path.write_text(f"{LINE}\n")
    assert users.users().keys() == {"anna"}
    path.write_text("nonsense")
    with capture_logs() as logs:
        assert users.users().keys() == {"anna"}
    assert [each["log_level"] for each in logs] == ["error"]
    path.write_text("")
    assert not users.users()


def test_one_that_cannot_be_read_is_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(UsersError, match=r"MAALSTROM_PAGE_USERS: cannot read .*: No such file"):
        UsersFile(tmp_path / "users")


def test_the_command_makes_a_line_whose_password_is_right() -> None:
    password = "three words or more"
    done = CliRunner().invoke(main, ["page-user", "anna", "--role", "operator"], input=f"{password}\n{password}\n")
    assert done.exit_code == 0
    (user,) = parse(done.stdout, "users").values()
    assert (user.name, user.role, user.cost) == ("anna", "operator", 12)
    assert password not in done.output


@pytest.mark.parametrize("password", ["short", "x" * (LONGEST + 1), "a password with \0 in it"])
def test_passwords_that_bcrypt_would_not_see_whole_are_refused(password: str) -> None:
    with pytest.raises(PasswordError, match="a password has at"):
        hashed(password, 4)


async def _right(user: User | None, password: str) -> bool:
    return await Passwords().right(user, 4, password)


def test_only_the_very_password_is_right() -> None:
    user = User("anna", hashed("x" * 72, 4), "leader")
    tried = ["x" * 72, "x" * 73, "x" * 71, "", "\0", "\ud800", "x" * 71 + "\0"]
    assert [asyncio.run(_right(user, each)) for each in tried] == [True, *[False] * 6]
    assert not asyncio.run(_right(None, "x" * 72))
