"""The design-time compiler: `journey.yaml` in, state machine and program out. Never deployed.

source, reader, steps      YAML with line numbers -> the neutral model (`model`)
checks/                    what is wrong with it, all at once (`problems`)
flow                       which step follows which
holds, sends, waits, endings -> machine      Amazon States Language (`asl` spells its keys)
programs                   the document that functions read (`stepwell.journeys.program`)
compilation, bundle        a journey, a whole deployment
"""
