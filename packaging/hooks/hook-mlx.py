"""MLX: all its modules (C++ imports some by name) but the one that compiles extensions; its Metal kernels."""

from PyInstaller.utils.hooks import collect_data_files, collect_dynamic_libs, collect_submodules

hiddenimports = collect_submodules(
    "mlx", filter=lambda name: not name.startswith(("mlx.extension", "mlx._distributed_utils"))
)
datas = collect_data_files("mlx", includes=["lib/*.metallib"])
binaries = collect_dynamic_libs("mlx")
