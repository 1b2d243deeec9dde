"""Keys told by their shapes, and what only looks like one. Each key is made here: none stands in this file as it is."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tokenlab_nb.contract.keys import find_keys, is_placeholder
from tokenlab_nb.contract.leaks import find_leaks, redacted

MIXED = "Ab3dE5gH7jK9mN2pQ4sT6vW8xY1zB3cD5fG7hJ9kL2nP4rS6tV8wX1yZ"
HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

KEYS = {
    "of a service like OpenAI's": f"sk-proj-{MIXED}",
    "with digits in short pieces": "sk-canary-0123456789",
    "one long word": "sk-" + "canary" * 3,
    "TokenLab": f"mt-{MIXED[:32]}",
    "Hugging Face": f"hf_{MIXED[:34]}",
    "GitHub": f"ghp_{MIXED[:36]}",
    "GitHub, fine": f"github_pat_{MIXED}{MIXED[:26]}",
    "GitLab": f"glpat-{MIXED[:20]}",
    "Amazon": f"AKIA{'QW3ERT5YUI7OP9AS'}",
    "Google": f"AIza{MIXED[:35]}",
    "Google, for a while": f"ya29.{MIXED}",
    "Slack": f"xoxb-{MIXED[:20]}",
    "Replicate": f"r8_{MIXED[:37]}",
    "Groq": f"gsk_{MIXED[:52]}",
    "NVIDIA": f"nvapi-{MIXED}",
    "Stripe": f"sk_live_{MIXED[:24]}",
    "SendGrid": f"SG.{MIXED[:22]}.{MIXED[:43]}",
    "npm": f"npm_{MIXED[:36]}",
    "PyPI": f"pypi-AgEI{MIXED}",
    "Databricks": f"dapi{HEX[:32]}",
    "a signed token": f"eyJ{MIXED[:20]}.eyJ{MIXED[:20]}.{MIXED[:43]}",
    "a private key": f"-----BEGIN RSA PRIVATE KEY-----\n{MIXED}\n-----END RSA PRIVATE KEY-----",
    "a header": f"Authorization: Bearer {MIXED}",
    "Azure": f"AccountName=a;AccountKey={MIXED}{MIXED[:30]}==",
    "in Python": f'api_key = "{HEX[:32]}"',
    "in JSON": f'{{"client_secret": "{MIXED[:24]}"}}',
    "in JSON in JSON": f'{{\\"client_secret\\": \\"{MIXED[:24]}\\"}}',
    "in a shell": f"export FAL_API_KEY={HEX[:32]}",
    "ElevenLabs": f"sk_{HEX[:48]}",
    "a header with a password": "Authorization: Basic " + b64encode(b"alice:correct horse battery").decode(),
    "fal": f"FAL_KEY=123e4567-e89b-12d3-a456-426614174000:{HEX[:32]}",
    "fal, in a header": f"Authorization: Key 123e4567-e89b-12d3-a456-426614174000:{HEX[:32]}",
    "Amazon, with hardly a digit": 'AWS_SECRET_ACCESS_KEY="' + "wJalrXUtnFEMI/KxMDENG+bPxRfiCYqQwErTyUi7" + '"',
    "in the environment": f"os.environ['TOKENLAB_API_KEY'] = '{HEX[:32]}'",
}

INNOCENT = {
    "classes of scikit-learn": '<div class="sk-container-id-1 sk-text-repr-fallback sk-toggleable__label-arrow">',
    "the sandbox's": "sk-sandbox",
    "a word that ends so": f"task-{MIXED}",
    "a name in code": "hf_hub_download(hf_model_name_or_path)",
    "documents": "sk-your-key-here sk-xxxxxxxxxxxxxxxxxxxxxxxx sk-<your key> AKIAIOSFODNN7EXAMPLE hf_" + "x" * 34,
    "a template": 'headers = {"Authorization": f"Bearer {token}"}, api_key="${API_KEY_1234567890}"',
    "from the environment": 'api_key = os.environ["TOKENLAB_API_KEY_2024_11"]',
    "a word of English": "Basic understanding of basic configuration, basic c29tZXdvcmRzb25seQ==",
    "a call": "secret = tokens.make_secret_2024_11(12)",
    "hashes": f"sha256={HEX} {HEX} 123e4567-e89b-12d3-a456-426614174000",
    "words": 'password = "correct-horse-battery-staple"',
    "an address": "http://localhost:8888/lab ws://user:password@host",
    "base64": "AKIAabcdEFGH+/IJKLeyJhbGciOi" * 400,
    "a public key": "-----BEGIN PUBLIC KEY-----\nabcdefghijklmnopqrstuvwxyz\n-----END PUBLIC KEY-----",
}


@pytest.mark.parametrize("text", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", ""),
        ("x = '", "'\n"),
        ("\\n", "\\n"),
        ("%20", "%22"),
        ("\\u0022", "\\u0022"),
        ("\x1b[32m", "\x1b[0m"),
        (">", "<"),
    ],
)
def test_a_key_is_found_wherever_it_stands_and_nothing_of_it_is_shown(text: str, before: str, after: str):
    whole = f"{before}{text}{after}"
    found = find_leaks(whole)
    assert {leak.kind for leak in found} == {"key"}
    said = redacted(whole, found)
    secret = max(text.replace('"', " ").replace("'", " ").replace("\\", " ").split(), key=len)
    assert secret[-12:] not in said
    assert said.startswith(before)
    assert said.endswith(after)
    assert not find_leaks(said)


@pytest.mark.parametrize("text", INNOCENT.values(), ids=INNOCENT)
def test_what_only_looks_like_a_key_is_none(text: str):
    assert not list(find_keys(text))


def test_a_key_that_is_known_is_found_whatever_its_shape():
    assert list(find_keys("it is swordfish, swordfish", ["swordfish", ""])) == [(6, 15, "..."), (17, 26, "...")]


def test_what_stands_in_for_a_key():
    assert is_placeholder("sk-aaaaaaaaaaaaaaaa")
    assert not is_placeholder(MIXED)


def test_a_password_in_an_address_is_cut_out_of_it():
    text = "postgres://anna:h2nter-22@db.example.org/x"
    assert redacted(text, find_leaks(text)) == "postgres://...@db.example.org/x"
