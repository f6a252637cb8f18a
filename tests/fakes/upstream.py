"""Answers of nova that are watched: each is held to the schema by which Tempest's own client would
take or refuse it, in the request's microversion. In a component's conftest:

    upstream = pytest.fixture(autouse=True)(watch)

The client is Tempest's, whose method is called as a test of Tempest's calls it; instead of asking
it hears what our application has answered.
"""

import importlib
import inspect
from functools import cache

import flask
from tempest.lib.common.rest_client import RestClient
from tempest.lib.services.compute import base_compute_client

# By method and rule (and action): whose method it is, and which; "+" asks it for details.
CLIENTS = {
    "GET /extensions": "extensions.list_extensions",
    "GET /extensions/<alias>": "extensions.show_extension",
    "GET /flavors": "flavors.list_flavors", "GET /flavors/detail": "flavors.list_flavors+",
    "POST /flavors": "flavors.create_flavor",
    "GET /flavors/<flavor_id>": "flavors.show_flavor",
    "PUT /flavors/<flavor_id>": "flavors.update_flavor",
    "DELETE /flavors/<flavor_id>": "flavors.delete_flavor",
    "POST /flavors/<flavor_id>/action addTenantAccess": "flavors.add_flavor_access",
    "POST /flavors/<flavor_id>/action removeTenantAccess": "flavors.remove_flavor_access",
    "GET /flavors/<flavor_id>/os-flavor-access": "flavors.list_flavor_access",
    "GET /flavors/<flavor_id>/os-extra_specs": "flavors.list_flavor_extra_specs",
    "POST /flavors/<flavor_id>/os-extra_specs": "flavors.set_flavor_extra_spec",
    "GET /flavors/<flavor_id>/os-extra_specs/<key>": "flavors.show_flavor_extra_spec",
    "PUT /flavors/<flavor_id>/os-extra_specs/<key>": "flavors.update_flavor_extra_spec",
    "DELETE /flavors/<flavor_id>/os-extra_specs/<key>": "flavors.unset_flavor_extra_spec",
    "GET /images": "images.list_images", "GET /images/detail": "images.list_images+",
    "GET /images/<image_id>": "images.show_image",
    "DELETE /images/<image_id>": "images.delete_image",
    "GET /images/<image_id>/metadata": "images.list_image_metadata",
    "POST /images/<image_id>/metadata": "images.update_image_metadata",
    "PUT /images/<image_id>/metadata": "images.set_image_metadata",
    "GET /images/<image_id>/metadata/<key>": "images.show_image_metadata_item",
    "PUT /images/<image_id>/metadata/<key>": "images.set_image_metadata_item",
    "DELETE /images/<image_id>/metadata/<key>": "images.delete_image_metadata_item",
    "GET /limits": "limits.show_limits",
    "GET /os-aggregates": "aggregates.list_aggregates",
    "POST /os-aggregates": "aggregates.create_aggregate",
    "GET /os-aggregates/<number>": "aggregates.show_aggregate",
    "PUT /os-aggregates/<number>": "aggregates.update_aggregate",
    "DELETE /os-aggregates/<number>": "aggregates.delete_aggregate",
    "POST /os-aggregates/<number>/action add_host": "aggregates.add_host",
    "POST /os-aggregates/<number>/action remove_host": "aggregates.remove_host",
    "POST /os-aggregates/<number>/action set_metadata": "aggregates.set_metadata",
    "POST /os-assisted-volume-snapshots":
        "assisted_volume_snapshots.create_assisted_volume_snapshot",
    "DELETE /os-assisted-volume-snapshots/<snapshot_id>":
        "assisted_volume_snapshots.delete_assisted_volume_snapshot",
    "GET /os-availability-zone": "availability_zone.list_availability_zones",
    "GET /os-availability-zone/detail": "availability_zone.list_availability_zones+",
    "GET /os-floating-ips": "floating_ips.list_floating_ips",
    "POST /os-floating-ips": "floating_ips.create_floating_ip",
    "GET /os-floating-ips/<floating_ip_id>": "floating_ips.show_floating_ip",
    "DELETE /os-floating-ips/<floating_ip_id>": "floating_ips.delete_floating_ip",
    "GET /os-hosts": "hosts.list_hosts", "GET /os-hosts/<host>": "hosts.show_host",
    "PUT /os-hosts/<host>": "hosts.update_host",
    "GET /os-hypervisors": "hypervisor.list_hypervisors",
    "GET /os-hypervisors/detail": "hypervisor.list_hypervisors+",
    "GET /os-hypervisors/statistics": "hypervisor.show_hypervisor_statistics",
    "GET /os-hypervisors/<hypervisor_id>": "hypervisor.show_hypervisor",
    "GET /os-hypervisors/<hypervisor_id>/uptime": "hypervisor.show_hypervisor_uptime",
    "GET /os-hypervisors/<pattern>/search": "hypervisor.search_hypervisor",
    "GET /os-hypervisors/<pattern>/servers": "hypervisor.list_servers_on_hypervisor",
    "GET /os-instance_usage_audit_log":
        "instance_usage_audit_log.list_instance_usage_audit_logs",
    "GET /os-instance_usage_audit_log/<before>":
        "instance_usage_audit_log.show_instance_usage_audit_log",
    "GET /os-keypairs": "keypairs.list_keypairs",
    "POST /os-keypairs": "keypairs.create_keypair",
    "GET /os-keypairs/<name>": "keypairs.show_keypair",
    "DELETE /os-keypairs/<name>": "keypairs.delete_keypair",
    "GET /os-console-auth-tokens/<token>": "servers.get_console_auth_token_details",
    "POST /servers/<server_id>/remote-consoles": "servers.get_remote_console",
    "GET /os-migrations": "migrations.list_migrations",
    "GET /os-quota-class-sets/<name>": "quota_classes.show_quota_class_set",
    "PUT /os-quota-class-sets/<name>": "quota_classes.update_quota_class_set",
    "GET /os-quota-sets/<project_id>": "quotas.show_quota_set",
    "PUT /os-quota-sets/<project_id>": "quotas.update_quota_set",
    "DELETE /os-quota-sets/<project_id>": "quotas.delete_quota_set",
    "GET /os-quota-sets/<project_id>/defaults": "quotas.show_default_quota_set",
    "GET /os-quota-sets/<project_id>/detail": "quotas.show_quota_set+",
    "POST /os-security-group-rules": "security_group_rules.create_security_group_rule",
    "DELETE /os-security-group-rules/<rule_id>":
        "security_group_rules.delete_security_group_rule",
    "GET /os-security-groups": "security_groups.list_security_groups",
    "POST /os-security-groups": "security_groups.create_security_group",
    "GET /os-security-groups/<group_id>": "security_groups.show_security_group",
    "PUT /os-security-groups/<group_id>": "security_groups.update_security_group",
    "DELETE /os-security-groups/<group_id>": "security_groups.delete_security_group",
    "POST /os-server-external-events": "server_external_events.create_server_external_events",
    "GET /os-server-groups": "server_groups.list_server_groups",
    "POST /os-server-groups": "server_groups.create_server_group",
    "GET /os-server-groups/<group_id>": "server_groups.show_server_group",
    "DELETE /os-server-groups/<group_id>": "server_groups.delete_server_group",
    "GET /os-services": "services.list_services",
    "PUT /os-services/disable": "services.disable_service",
    "PUT /os-services/disable-log-reason": "services.disable_log_reason",
    "PUT /os-services/enable": "services.enable_service",
    "PUT /os-services/force-down": "services.update_forced_down",
    "PUT /os-services/<service_id>": "services.update_service",
    "GET /os-snapshots": "snapshots.list_snapshots",
    "GET /os-snapshots/detail": "snapshots.list_snapshots+",
    "POST /os-snapshots": "snapshots.create_snapshot",
    "GET /os-snapshots/<snapshot_id>": "snapshots.show_snapshot",
    "DELETE /os-snapshots/<snapshot_id>": "snapshots.delete_snapshot",
    "GET /os-tenant-networks": "tenant_networks.list_tenant_networks",
    "GET /os-tenant-networks/<network_id>": "tenant_networks.show_tenant_network",
    "GET /os-volumes": "volumes.list_volumes", "GET /os-volumes/detail": "volumes.list_volumes+",
    "POST /os-volumes": "volumes.create_volume",
    "GET /os-volumes/<volume_id>": "volumes.show_volume",
    "DELETE /os-volumes/<volume_id>": "volumes.delete_volume",
    "GET /os-simple-tenant-usage": "tenant_usages.list_tenant_usages",
    "GET /os-simple-tenant-usage/<project_id>": "tenant_usages.show_tenant_usage",
    "GET /servers": "servers.list_servers", "GET /servers/detail": "servers.list_servers+",
    "POST /servers": "servers.create_server",
    "GET /servers/<server_id>": "servers.show_server",
    "PUT /servers/<server_id>": "servers.update_server",
    "DELETE /servers/<server_id>": "servers.delete_server",
    "GET /servers/<server_id>/diagnostics": "servers.show_server_diagnostics",
    "GET /servers/<server_id>/ips": "servers.list_addresses",
    "GET /servers/<server_id>/ips/<label>": "servers.list_addresses_by_network",
    "GET /servers/<server_id>/metadata": "servers.list_server_metadata",
    "POST /servers/<server_id>/metadata": "servers.update_server_metadata",
    "PUT /servers/<server_id>/metadata": "servers.set_server_metadata",
    "GET /servers/<server_id>/metadata/<key>": "servers.show_server_metadata_item",
    "PUT /servers/<server_id>/metadata/<key>": "servers.set_server_metadata_item",
    "DELETE /servers/<server_id>/metadata/<key>": "servers.delete_server_metadata_item",
    "GET /servers/<server_id>/os-instance-actions": "servers.list_instance_actions",
    "GET /servers/<server_id>/os-instance-actions/<request_id>": "servers.show_instance_action",
    "GET /servers/<server_id>/os-interface": "interfaces.list_interfaces",
    "POST /servers/<server_id>/os-interface": "interfaces.create_interface",
    "GET /servers/<server_id>/os-interface/<port_id>": "interfaces.show_interface",
    "DELETE /servers/<server_id>/os-interface/<port_id>": "interfaces.delete_interface",
    "GET /servers/<server_id>/os-security-groups": "servers.list_security_groups_by_server",
    "GET /servers/<server_id>/os-server-password": "servers.show_password",
    "DELETE /servers/<server_id>/os-server-password": "servers.delete_password",
    "GET /servers/<server_id>/os-volume_attachments": "servers.list_volume_attachments",
    "POST /servers/<server_id>/os-volume_attachments": "servers.attach_volume",
    "GET /servers/<server_id>/os-volume_attachments/<volume_id>":
        "servers.show_volume_attachment",
    "PUT /servers/<server_id>/os-volume_attachments/<volume_id>":
        "servers.update_attached_volume",
    "DELETE /servers/<server_id>/os-volume_attachments/<volume_id>": "servers.detach_volume",
    "GET /servers/<server_id>/tags": "servers.list_tags",
    "PUT /servers/<server_id>/tags": "servers.update_all_tags",
    "DELETE /servers/<server_id>/tags": "servers.delete_all_tags",
    "GET /servers/<server_id>/tags/<tag>": "servers.check_tag_existence",
    "PUT /servers/<server_id>/tags/<tag>": "servers.update_tag",
    "DELETE /servers/<server_id>/tags/<tag>": "servers.delete_tag",
    **{f"POST /servers/<server_id>/action {action}": name for action, name in {
        "addFixedIp": "servers.add_fixed_ip", "removeFixedIp": "servers.remove_fixed_ip",
        "addFloatingIp": "floating_ips.associate_floating_ip_to_server",
        "removeFloatingIp": "floating_ips.disassociate_floating_ip_from_server",
        "addSecurityGroup": "servers.add_security_group",
        "removeSecurityGroup": "servers.remove_security_group",
        "createImage": "images.create_image", "forceDelete": "servers.force_delete_server",
        "injectNetworkInfo": "servers.inject_network_info", "lock": "servers.lock_server",
        "unlock": "servers.unlock_server", "os-getConsoleOutput": "servers.get_console_output",
        "os-resetState": "servers.reset_state", "os-start": "servers.start_server",
        "os-stop": "servers.stop_server", "reboot": "servers.reboot_server",
        "rebuild": "servers.rebuild_server", "restore": "servers.restore_soft_deleted_server",
        "createBackup": "servers.create_backup", "changePassword": "servers.change_password",
        "resize": "servers.resize_server", "confirmResize": "servers.confirm_resize_server",
        "revertResize": "servers.revert_resize_server", "rescue": "servers.rescue_server",
        "unrescue": "servers.unrescue_server", "suspend": "servers.suspend_server",
        "resume": "servers.resume_server", "pause": "servers.pause_server",
        "unpause": "servers.unpause_server", "shelve": "servers.shelve_server",
        "unshelve": "servers.unshelve_server", "evacuate": "servers.evacuate_server",
        "shelveOffload": "servers.shelve_offload_server", "migrate": "servers.migrate_server",
        "os-migrateLive": "servers.live_migrate_server", "resetNetwork": "servers.reset_network",
        "os-getVNCConsole": "servers.get_vnc_console"}.items()},
}

# What Nova answers and Tempest's schemas do not have, as no test of Tempest's asks for it: what is
# asked, and what is then said of the answer.
EXCUSED = (
    # Tempest's own client names a schema that Tempest does not have.
    ("GET /os-console-auth-tokens/<token>", "has no attribute 'console_auth_tokens'"),
    # Since 2.88 they have an uptime, and nothing of what placement knows.
    ("GET /os-hypervisors/detail", "'uptime' was unexpected"),
    ("GET /os-hypervisors/<hypervisor_id>", "'uptime' was unexpected"),
    ("GET /os-keypairs", "'keypairs_links' was unexpected"),  # Pages, since 2.35.
    ("GET /os-migrations", "'migrations_links' was unexpected"),  # The same, since 2.59.
    # Of a project that has used nothing.
    ("GET /os-simple-tenant-usage/<project_id>",
     "'server_usages' is a required property Failed validating 'required' in schema"),
    # Since 2.101 it has no body: the volume is on its way.
    ("POST /servers/<server_id>/os-volume_attachments", "Expecting value"),
    ("POST /os-server-external-events", "'volume-extended' is not one of"),
    ("POST /os-server-external-events", "'volume-reimaged' is not one of"),
    # There is no location of a tag that was there already.
    ("PUT /servers/<server_id>/tags/<tag>", "'location' is a required property"),
)


class Response(dict):
    """The headers of an answer, as Tempest has them."""

    def __init__(self, status, headers):
        super().__init__({name.lower(): value for name, value in headers.items()})
        self.status = status


@cache
def client_class(name):
    module = importlib.import_module(f"tempest.lib.services.compute.{name}_client")
    [found] = [kind for _, kind in inspect.getmembers(module, inspect.isclass)
               if issubclass(kind, RestClient) and kind.__module__ == module.__name__]
    return found


def hear(name, answer):
    """Call a client's method as if it had been answered so. Raises what Tempest's test would."""
    client, _, method = name.partition(".")
    kind = client_class(client)
    heard = kind.__new__(kind)
    heard.enable_instance_password, heard.ssh_key_type = True, "ed25519"
    for verb in ("get", "post", "put", "delete", "head", "patch"):
        setattr(heard, verb, lambda *args, **more: answer)
    call = getattr(heard, method.rstrip("+"))
    needed = [p for p in inspect.signature(call).parameters.values()
              if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    call(*("x" for _ in needed), **({"detail": True} if method.endswith("+") else {}))


def complaint(monkeypatch, method, rule, action, version, answer):
    """What Tempest says of an answer, (Response, bytes), in a version; None for nothing."""
    asked = f"{method} {rule} {action}" if action else f"{method} {rule}"
    name = CLIENTS.get(asked)
    if name is None:
        return None
    with monkeypatch.context() as patch:
        patch.setattr(base_compute_client, "COMPUTE_MICROVERSION", version)
        try:
            hear(name, answer)
        except Exception as wrong:  # Whatever it is: it would fail a test of Tempest's.
            text = " ".join(str(wrong).split())
            if any(asked == which and why in text for which, why in EXCUSED):
                return None
            return f"{asked} in {version}: {type(wrong).__name__}: {text[:500]}"
    return None


def watch(monkeypatch):
    """Fails where a request of the test was answered as Tempest would not have it."""
    complaints = set()

    def listen(app, **_):
        """A body is read once, and we need what it asks for."""
        if flask.request.path.endswith("/action"):
            flask.request.get_data(cache=True)

    def look(app, response, **_):
        request = flask.request
        if app.name != "cairn.nova" or request.url_rule is None or response.status_code >= 400:
            return
        rule = request.url_rule.rule.replace("/<project:project_in_path>", "")
        if not rule.startswith("/v2.1/"):
            return
        version = response.headers["X-OpenStack-Nova-API-Version"]
        action = None
        if rule.endswith("/action"):
            action = next(iter(request.get_json(force=True)))
        said = complaint(
            monkeypatch, request.method, rule.removeprefix("/v2.1"), action, version,
            (Response(response.status_code, response.headers), response.get_data()))
        if said:
            complaints.add(said)

    with flask.request_started.connected_to(listen), flask.request_finished.connected_to(look):
        yield
    assert not complaints, "\n".join(sorted(complaints))
