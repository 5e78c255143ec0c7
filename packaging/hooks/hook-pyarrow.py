"""Of pyarrow what reads tables: no network file systems, no Flight, no headers, no tests.

Takes the place of PyInstaller's own hook, which collects everything.
"""

hiddenimports = ["pyarrow.parquet"]
excludedimports = [
    f"pyarrow.{name}"
    for name in (
        "flight", "_flight", "_s3fs", "_gcsfs", "_azurefs", "_hdfs", "orc", "_orc", "_dataset_orc",
        "substrait", "_substrait", "tests", "conftest", "cuda", "gandiva", "jvm",
        "_pyarrow_cpp_tests", "dataset", "_dataset", "_dataset_parquet", "_dataset_parquet_encryption",
        "compute", "_compute", "csv", "_csv", "json", "_json", "acero", "_acero", "feather", "_feather",
    )
]  # fmt: skip
