"""The CDK app. `python -m infra.app` writes the templates to `cdk.out/`; the CLI only deploys.

Run it as a module: run as a file, Python would take `infra/constructs` for the package
`constructs`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import cdk_nag
from aws_cdk import App, DefaultStackSynthesizer, Validations
from aws_cdk.cx_api import CloudAssembly

from infra.compiled import Compiled, compile_journeys
from infra.layers import ROOT, STEPWELL, build_dependencies
from infra.settings import Settings, SettingsError, Stage, settings_for
from infra.stacks.data import DataStack
from infra.stacks.engine import EngineStack, Sources
from infra.stacks.journeys import JourneysStack
from infra.template_rules import TemplateRules
from stepwell.journeys.compiler import stack_limits
from stepwell.journeys.compiler.problems import CompileError


def build(
    settings: Settings, compiled: Compiled, sources: Sources, *, outdir: str | None = None
) -> App:
    """The app with its three stacks; nothing is written before `synth()`."""
    app = App(analytics_reporting=False, outdir=outdir)
    _add_stacks(app, settings, compiled, sources)
    Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks(app), TemplateRules())
    return app


def _add_stacks(app: App, settings: Settings, compiled: Compiled, sources: Sources) -> None:
    prefix = f"stepwell-{settings.stage}"

    def synthesizer() -> DefaultStackSynthesizer:
        # The rule asks for a bootstrapped account with a parameter that a machine of one's own does
        # not have.
        return DefaultStackSynthesizer(generate_bootstrap_version_rule=False)

    data = DataStack(app, f"{prefix}-data", settings=settings, synthesizer=synthesizer())
    journeys = JourneysStack(
        app,
        f"{prefix}-journeys",
        settings=settings,
        data=data,
        compiled=compiled,
        synthesizer=synthesizer(),
    )
    journeys.add_stack_dependency(data)
    engine = EngineStack(
        app,
        f"{prefix}-engine",
        settings=settings,
        data=data,
        compiled=compiled,
        sources=sources,
        synthesizer=synthesizer(),
    )
    engine.add_stack_dependency(
        journeys, "the catalog that the router reads names the journeys' machines"
    )


def sources_of(root: Path) -> Sources:
    """The repository's code, with the dependencies' layer built when its lock has changed."""
    return Sources(
        functions=root / "functions",
        stepwell=STEPWELL,
        dependencies=build_dependencies(),
        send_message=root / "statemachines" / "send_message.asl.json",
        fallback=root / "statemachines" / "fallback.asl.json",
        description=root / "docs" / "openapi.json",
    )


def synthesize(settings: Settings, *, outdir: str | None = None) -> CloudAssembly:
    """Compile the journeys and write the stage's templates. Raises for a cdk-nag finding."""
    compiled = compile_journeys(ROOT / "statemachines", ROOT / ".build" / "bundle")
    return build(settings, compiled, sources_of(ROOT), outdir=outdir).synth()


def chosen_stage() -> str:
    """STAGE, else the CLI's context (`-c stage=…`, cdk.json), else local."""
    context = App().node.try_get_context("stage")
    return os.environ.get("STAGE") or context or Stage.LOCAL


def main() -> None:
    try:
        settings = settings_for(chosen_stage())
    except SettingsError as error:
        sys.exit(str(error))
    # The CLI says where it wants the templates; without it they go to cdk.out.
    try:
        assembly = synthesize(settings, outdir=os.environ.get("CDK_OUTDIR", str(ROOT / "cdk.out")))
    except SettingsError as error:
        sys.exit(str(error))
    except CompileError as error:
        sys.exit(f"{error}\n\nThe journeys have problems; `stepwell check` lists them too.")
    sizes = stack_limits.written(Path(assembly.directory))
    lines = [f"  {each.name}: {each.resources} resources, {each.size:,} bytes" for each in sizes]
    sys.stdout.write("\n".join([f"templates in {assembly.directory}:", *lines]) + "\n")
    for stack in sizes:
        for problem in stack_limits.problems_of(stack):
            sys.stderr.write(f"warning: {problem}\n")


if __name__ == "__main__":
    main()
