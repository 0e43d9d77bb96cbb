"""What a stage needs before its first send, as rules on what was found in the AWS account.

Each rule takes facts as plain values and answers findings, each with what it means and how to mend
it. `stepwell.aws.inspection` finds the facts; `stepwell doctor` shows the findings.
"""
