"""The files for Compose and Kubernetes meet the schemas of those who read them.

No container engine and no cluster is asked: a schema knows names and types, and not whether an
image starts.
"""

import copy
import json

import jsonschema_rs
import pytest
import yaml

from tests.support.processes import REPOSITORY

SCHEMAS = REPOSITORY / "tests" / "data" / "schemas"
COMPOSE = json.loads((SCHEMAS / "compose-spec.json").read_text())
KUBERNETES = json.loads((SCHEMAS / "kubernetes.json").read_text())
KINDS = {"Service": "io.k8s.api.core.v1.Service", "StatefulSet": "io.k8s.api.apps.v1.StatefulSet"}
COMPOSE_FILES = [
    "docker-compose.yml",
    "deploy/docker-compose.yml",
    "deploy/docker-compose.up.yml",
]
RESOURCES = list(yaml.safe_load_all((REPOSITORY / "deploy" / "kubernetes.yaml").read_text()))


def faults(schema, document):
    validator = jsonschema_rs.validator_for(schema)
    return [f"{one.instance_path}: {one.message}" for one in validator.iter_errors(document)]


def kind_schema(resource):
    return {**KUBERNETES, "$ref": f"#/$defs/{KINDS[resource['kind']]}"}


@pytest.mark.parametrize("name", COMPOSE_FILES)
def test_a_compose_file_meets_the_specification(name):
    document = yaml.safe_load((REPOSITORY / name).read_text())
    assert faults(COMPOSE, document) == []
    for service in document["services"].values():
        service["imagee"] = "a name that is misspelt"
    assert len(faults(COMPOSE, document)) >= len(document["services"])


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one["kind"])
def test_a_resource_meets_the_schema_of_its_kind(resource):
    assert faults(kind_schema(resource), resource) == []
    misspelt = copy.deepcopy(resource)
    misspelt["spec"]["selectors"] = misspelt["spec"].pop("selector")
    assert faults(kind_schema(resource), misspelt) != []


def test_no_compose_or_kubernetes_file_is_left_out():
    found = {
        str(path.relative_to(REPOSITORY))
        for folder in (REPOSITORY, REPOSITORY / "deploy")
        for path in folder.glob("*compose*.yml")
    }
    assert found == set(COMPOSE_FILES)
    assert {one["kind"] for one in RESOURCES} == set(KINDS)
