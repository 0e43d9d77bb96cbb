"""What the engine asks of its two tables, as data; `memory` and `stepwell.aws` carry it out."""
