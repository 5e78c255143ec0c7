"""What a Linux desktop brings itself: the bundle uses the system's, as Qt's own wheels do."""

SYSTEM_LIBRARIES = [
    "libc.so*", "libm.so*", "libdl.so*", "libpthread.so*", "librt.so*", "libutil.so*", "libresolv.so*",
    "ld-linux*", "linux-vdso*", "libX*", "libxcb*", "libxkbcommon*", "libwayland-*", "libEGL*",
    "libGL*", "libOpenGL*", "libgbm*", "libdrm*", "libvulkan*", "libICE*", "libSM*", "libfontconfig*",
    "libfreetype*", "libharfbuzz*", "libgraphite2*", "libpng16*", "libbrotli*", "libbsd*", "libmd.so*",
    "libdbus-1*", "libsystemd*", "libcap*", "libgcrypt*", "libgpg-error*", "liblz4*", "libglib-2*",
    "libgio-2*", "libgobject-2*", "libgmodule-2*", "libgthread-2*", "libpcre2-8*", "libmount*",
    "libblkid*", "libselinux*", "libgssapi_krb5*", "libkrb5*", "libk5crypto*", "libcom_err*",
    "libkeyutils*", "libgtk-3*", "libgdk*", "libatk*", "libpango*", "libcairo*", "libpixman*",
    "libfribidi*", "libthai*", "libdatrie*",
]  # fmt: skip
"""Names of libraries, with wildcards."""
