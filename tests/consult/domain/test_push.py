"""The bytes of a push message, against the example of RFC 8291 appendix A; and what a push service sees."""

from cryptography.hazmat.primitives.asymmetric import ec

from consult.notify import webpush

PLAIN = b"When I grow up, I want to be a watermelon"
OWN = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
THEIRS = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH, SALT = "BTBZMqHH6r4Tts7J_aSIgg", "DGv6ra1nlYgDCS1FRnbzlw"
SEALED = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_"
    "yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def test_it_is_encrypted_as_the_standards_example() -> None:
    own = ec.derive_private_key(int.from_bytes(webpush.raw(OWN), "big"), webpush.CURVE)
    theirs, auth, salt = (webpush.raw(words) for words in (THEIRS, AUTH, SALT))
    assert webpush.text(webpush.encrypt(PLAIN, theirs, auth, own=own, salt=salt)) == SEALED
