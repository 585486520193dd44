from tests.e2e.pulumi_cli import pulumi_cli as pulumi_cli
