"""NVIDIA's client of NeMo microservices, with nothing changed but its two base URLs: what it keeps and finds."""
import time

import nemo_microservices
import pytest
from nemo_microservices import NeMoMicroservices

from server import Server

OPTION = {"training_type": "sft", "finetuning_type": "lora", "num_gpus": 1, "micro_batch_size": 1}


@pytest.fixture(scope="module")
def home_server(tmp_path_factory):
    server = Server(f"home={tmp_path_factory.mktemp('home')}")
    yield server
    assert server.stop() == 0


@pytest.fixture(scope="module")
def client(home_server):
    return NeMoMicroservices(base_url=home_server.url + "/nemo", inference_base_url=home_server.url)


@pytest.mark.smoke
def test_what_a_tuning_needs_is_kept(client):
    dataset = client.datasets.create(
        name="talks", namespace="team", files_url="hf://datasets/team/talks", custom_fields={"말": [1, 2]}
    )
    assert dataset.id.startswith("dataset-") and dataset.custom_fields == {"말": [1, 2]}
    assert client.datasets.retrieve("talks", namespace="team") == dataset
    project = client.projects.create(name="p", namespace="team", description="d")
    assert project.namespace == "team" and project.created_at is not None
    target = client.customization.targets.create(
        name="base", namespace="team", num_parameters=10_000_000, precision="bf16", enabled=True
    )
    config = client.customization.configs.create(
        name="base@v1+cpu", namespace="team", max_seq_length=256, target="team/base", training_options=[OPTION]
    )
    assert target.enabled and config.training_options[0].finetuning_type == "lora"
    assert client.customization.configs.retrieve("base@v1+cpu", namespace="team").target == "team/base"
    assert client.datasets.delete("talks", namespace="team").id == dataset.id
    with pytest.raises(nemo_microservices.NotFoundError):
        client.datasets.retrieve("talks", namespace="team")


def test_a_namespace_is_a_workspace(client):
    assert client.namespaces.create(id="lab", description="d").id == "lab"
    with pytest.raises(nemo_microservices.ConflictError):
        client.namespaces.create(id="lab")
    assert "lab" in [one.id for one in client.namespaces.list()]
    assert client.namespaces.retrieve("lab").description == "d"
    assert client.namespaces.delete("lab").id == "lab"


def test_lists_end(client):
    for i in range(25):
        client.datasets.create(name=f"d{i:02}", namespace="pages", files_url="hf://datasets/pages/d")
    names = [one.name for one in client.datasets.list(filter={"namespace": "pages"}, sort="name")]
    assert names == [f"d{i:02}" for i in range(25)], "the client asks for pages until one is empty"
    page = client.datasets.list(page=2, page_size=20, filter={"namespace": "pages"}, sort="-name")
    assert [one.name for one in page.data] == ["d04", "d03", "d02", "d01", "d00"]
    assert page.pagination.total_results == 25 and page.pagination.total_pages == 2
    assert client.datasets.list(page=9, filter={"namespace": "pages"}).data == []
    found = client.datasets.list(search={"name": ["d01", "d2"]}, filter={"namespace": "pages"}, page_size=100)
    assert [one.name for one in found] == ["d01", "d20", "d21", "d22", "d23", "d24"]
    assert list(client.datasets.list(search={"created_at": {"start": "2999-01-01"}})) == []


def test_models_are_filtered_by_what_they_are(client):
    client.models.create(
        name="adapter",
        namespace="zoo",
        base_model="zoo/base",
        artifact={"files_url": "hf://zoo/adapter", "status": "upload_completed"},
        peft={
            "finetuning_type": "lora",
            "lora": {"alpha": 16, "apply_lora_to_mlp": True, "apply_lora_to_output": False},
        },
        spec={"context_size": 4096, "num_virtual_tokens": 0, "num_parameters": 7, "is_chat": True},
    )
    client.models.create(name="base", namespace="zoo")

    def names(more, **query):
        return [one.name for one in client.models.list(filter={"namespace": "zoo", **more}, **query)]

    assert names({"peft": True}) == ["adapter"] and names({"peft": False}) == ["base"]
    assert names({"base_model": "zoo/base"}) == ["adapter"]
    assert names({}, search={"peft": "LoRA"}) == ["adapter"]
    changed = client.models.update("adapter", namespace="zoo", description="better")
    assert changed.description == "better" and changed.spec.context_size == 4096


def test_kept_until_they_can_be_run(client):
    client.evaluation.targets.create(type="model", name="t", namespace="team", model="team/m")
    tasks = {"qa": {"type": "data", "metrics": {"bleu": {"type": "bleu"}}}}
    config = client.evaluation.configs.create(type="custom", name="c", namespace="team", tasks=tasks)
    assert config.tasks["qa"].metrics["bleu"].type == "bleu"
    rails = client.guardrail.configs.create(name="g", namespace="team", data={"rails": {"input": {"flows": ["check"]}}})
    assert rails.data.rails.input.flows == ["check"]


def test_errors_are_those_of_the_client(client):
    client.projects.create(name="once", namespace="team")
    start = time.monotonic()
    with pytest.raises(nemo_microservices.ConflictError):
        client.projects.create(name="once", namespace="team")
    assert time.monotonic() - start < 0.4, "asked once, since x-should-retry says that it is final"
    with pytest.raises(nemo_microservices.NotFoundError):
        client.projects.retrieve("never", namespace="team")
    with pytest.raises(nemo_microservices.UnprocessableEntityError) as refused:
        client.customization.targets.create(name="x", namespace="team", num_parameters=1, precision="fp3")
    assert refused.value.body["detail"][0]["loc"] == ["body", "precision"]
    with pytest.raises(nemo_microservices.UnprocessableEntityError) as refused:
        client.post("/v1/datasets", body={"name": "x"}, cast_to=object)
    assert refused.value.body["detail"][0]["type"] == "missing"
    with pytest.raises(nemo_microservices.UnprocessableEntityError):
        client.datasets.list(page=0)
