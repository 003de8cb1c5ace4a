import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferrule.errors import InvalidValueError
from ferrule.oci.descriptor import CONFIG, LAYER_GZIP, MANIFEST, Descriptor
from ferrule.oci.digest import digest_of, parse_digest
from ferrule.oci.document import MAX_DOCUMENT_BYTES, encode
from ferrule.oci.image_config import HealthCheck, ImageConfig, RootFs, RunConfig, parse_image_config
from ferrule.oci.manifest import (
    MAX_LAYERS,
    choose_manifest,
    index_of,
    manifest_of,
    parse_index,
    parse_manifest,
)
from ferrule.oci.platform import Platform

DIGEST = digest_of(b"content")
AMD64 = Platform(os="linux", architecture="amd64")


def descriptor(media_type: str = LAYER_GZIP, platform: Platform | None = None) -> Descriptor:
    return Descriptor(media_type=media_type, digest=DIGEST, size=7, platform=platform)


def test_the_digest_of_nothing_is_the_known_one() -> None:
    assert digest_of(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha512:" + "0" * 128, "sha256:" + "G" * 64, "sha256:" + "A" * 64]
)
def test_only_whole_sha256_digests_are_taken(text: str) -> None:
    with pytest.raises(InvalidValueError):
        parse_digest(text)


def test_a_manifest_reads_back_and_its_bytes_are_compact_and_ordered() -> None:
    manifest = manifest_of(descriptor(CONFIG), (descriptor(),), {"b": "2", "a": "1"})
    data = encode(manifest)
    assert parse_manifest(data) == manifest
    assert data.index(b'"a"') < data.index(b'"b"')
    assert b" " not in data
    assert json.loads(data)["mediaType"] == "application/vnd.oci.image.manifest.v1+json"


def test_an_artifact_is_no_container_image() -> None:
    data = encode(manifest_of(descriptor("application/vnd.cncf.helm.config.v1+json"), (), {}))
    with pytest.raises(InvalidValueError, match="no container image"):
        parse_manifest(data)


def test_more_layers_than_any_engine_takes_are_refused() -> None:
    data = encode(manifest_of(descriptor(CONFIG), (descriptor(),) * (MAX_LAYERS + 1), {}))
    with pytest.raises(InvalidValueError, match="501 layers"):
        parse_manifest(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"schemaVersion":1}',
        b'{"schemaVersion":2,"config":{},"layers":[]}',
        b'{"schemaVersion":2,"config":{"mediaType":"x","digest":"sha256:1","size":1},"layers":[]}',
        b" " * (MAX_DOCUMENT_BYTES + 1),
        b"[" * 100_000,
    ],
)
def test_a_broken_manifest_is_one_clear_error(data: bytes) -> None:
    with pytest.raises(InvalidValueError) as caught:
        parse_manifest(data)
    assert "\n" not in caught.value.message


@given(st.binary(max_size=300))
def test_no_bytes_make_the_parsers_fail_otherwise(data: bytes) -> None:
    for parse in (parse_manifest, parse_index, parse_image_config):
        try:
            parse(data)
        except InvalidValueError:
            continue


def test_the_manifest_for_the_platform_is_chosen() -> None:
    arm = Platform(os="linux", architecture="arm64", variant="v8")
    index = index_of((descriptor(platform=AMD64), descriptor(platform=arm)))
    assert choose_manifest(index, Platform(os="linux", architecture="arm64")).platform == arm
    with pytest.raises(InvalidValueError) as caught:
        choose_manifest(index, Platform(os="linux", architecture="s390x"))
    assert caught.value.hint == "it has linux/amd64, linux/arm64/v8"


@pytest.mark.parametrize(
    ("machine", "image"),
    [
        (Platform(os="linux", architecture="arm", variant="v7"), Platform(os="linux", architecture="arm")),
        (Platform(os="linux", architecture="arm"), Platform(os="linux", architecture="arm", variant="v7")),
        (AMD64, Platform(os="linux", architecture="amd64", variant="v1")),
        (AMD64, None),
    ],
)
def test_a_variant_or_a_platform_that_goes_without_saying_is_understood(
    machine: Platform, image: Platform | None
) -> None:
    other = descriptor(platform=Platform(os="linux", architecture="s390x"))
    attestation = descriptor("application/vnd.in-toto+json")
    index = index_of((other, attestation, descriptor(MANIFEST, platform=image)))
    assert choose_manifest(index, machine).platform == image


@pytest.mark.parametrize("variant", ["v5", "v6", "v8"])
def test_another_variant_is_another_platform(variant: str) -> None:
    arm = Platform(os="linux", architecture="arm", variant=variant)
    assert not Platform(os="linux", architecture="arm").runs(arm)


def test_a_manifest_that_names_the_platform_comes_before_one_that_names_none() -> None:
    index = index_of((descriptor(MANIFEST), descriptor(MANIFEST, platform=AMD64)))
    assert choose_manifest(index, AMD64).platform == AMD64


@pytest.mark.parametrize("form", ["", "+gzip", "+zstd"])
def test_docker_types_become_oci_types_for_the_same_bytes(form: str) -> None:
    docker = descriptor(f"application/vnd.docker.image.rootfs.diff.tar{form.replace('+', '.')}")
    manifest = manifest_of(descriptor(CONFIG), (docker,), {})
    assert parse_manifest(encode(manifest)).layers == (docker,)
    assert docker.as_oci() == descriptor(f"application/vnd.oci.image.layer.v1.tar{form}")


def test_a_configuration_uses_the_names_that_docker_reads() -> None:
    run = RunConfig(
        user="1:1",
        exposed_ports={"80/tcp": {}},
        env=("A=1",),
        healthcheck=HealthCheck(test=("CMD", "/x"), retries=3),
    )
    config = ImageConfig(architecture="amd64", os="linux", config=run, rootfs=RootFs(diff_ids=(DIGEST,)))
    plain = json.loads(encode(config))
    assert plain["config"] == {
        "User": "1:1",
        "ExposedPorts": {"80/tcp": {}},
        "Env": ["A=1"],
        "Healthcheck": {"Test": ["CMD", "/x"], "Retries": 3},
    }
    assert plain["rootfs"] == {"type": "layers", "diff_ids": [DIGEST]}
    assert parse_image_config(encode(config)) == config


def test_nulls_of_old_docker_configurations_are_read() -> None:
    nothing = dict.fromkeys(("Env", "Cmd", "Labels", "Volumes", "Entrypoint", "ExposedPorts"))
    rootfs = {"type": "layers", "diff_ids": []}
    document = {"architecture": "amd64", "os": "linux", "rootfs": rootfs, "history": None, "config": nothing}
    data = json.dumps(document).encode()
    assert parse_image_config(data).run == RunConfig()
