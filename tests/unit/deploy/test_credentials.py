import json
import subprocess

import pytest
import yaml

from cairn.deploy import credentials, sdk
from cairn.deploy.cloud import Cloud
from cairn.deploy.errors import Failed

AUTH = {
    "auth_url": "https://172.30.7.11/identity/v3", "username": "admin", "password": "a'b $c",
    "project_name": "admin", "user_domain_name": "Default", "project_domain_name": "Default",
}
ENTRY = {
    "auth": AUTH, "region_name": "RegionOne", "cacert": "/x/ca.pem", "identity_api_version": 3,
    "interface": "public",
}


@pytest.fixture
def finished(lab: Cloud) -> Cloud:
    document = {"clouds": {lab.admin: ENTRY, lab.demo: ENTRY}}
    lab.clouds_yaml.write_text(yaml.safe_dump(document))
    (lab.directory / "facts.json").write_text(json.dumps({"endpoint": "https://172.30.7.11"}))
    return lab


def test_a_shell_that_evaluates_the_lines_has_the_password_as_it_is() -> None:
    script = credentials.exports(ENTRY) + 'printf %s "$OS_PASSWORD|$OS_CACERT|$OS_REGION_NAME"'
    said = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout == "a'b $c|/x/ca.pem|RegionOne"


def test_the_client_is_told_the_cloud_and_nothing_of_another(
    finished: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_AUTH_URL", "https://elsewhere")
    monkeypatch.setenv("OS_COMPUTE_API_VERSION", "2.79")
    monkeypatch.setenv("OS_CLOUD", "elsewhere")
    found = credentials.environment(finished)
    assert {name: value for name, value in found.items() if name.startswith("OS_")} == {
        "OS_CLIENT_CONFIG_FILE": str(finished.clouds_yaml),
        "OS_CLOUD": "try",
        "OS_COMPUTE_API_VERSION": "2.79",
    }


def test_another_entry_of_the_same_cloud_may_be_chosen(
    finished: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OS_CLOUD", "try-demo")
    assert credentials.environment(finished)["OS_CLOUD"] == "try-demo"


def test_the_files_of_two_clouds_name_nobody_alike() -> None:
    one, other = ({cloud.admin, cloud.demo} for cloud in (Cloud("cairn"), Cloud("second")))
    assert "cairn" in one and not one & other


def test_a_file_that_names_the_admin_otherwise_is_to_be_written_again(lab: Cloud) -> None:
    lab.clouds_yaml.write_text(yaml.safe_dump({"clouds": {"cairn": ENTRY}}))
    with pytest.raises(Failed, match="no entry 'try'"):
        credentials.admin(lab)


def test_an_unfinished_cloud_says_so(lab: Cloud) -> None:
    with pytest.raises(Failed, match="not finished"):
        credentials.entries(lab)


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")
def test_the_sdk_reads_the_same_file(finished: Cloud) -> None:
    connection = sdk.connect(finished, finished.admin)
    assert connection.config.auth["auth_url"] == AUTH["auth_url"]
    assert connection.config.region_name == "RegionOne"
