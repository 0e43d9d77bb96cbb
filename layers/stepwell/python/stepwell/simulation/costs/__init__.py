"""What a simulated month would cost on AWS: units counted, and a dated table of list prices."""
