"""The OCI formats alone: names, digests and documents. No I/O."""
