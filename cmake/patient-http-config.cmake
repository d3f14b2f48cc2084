# find_package(patient-http): the targets patient_http::service and patient_http::engine, and what
# they stand on.
include(CMakeFindDependencyMacro)
find_dependency(Threads)
find_dependency(OpenSSL)
find_dependency(ZLIB)
find_dependency(Boost COMPONENTS json url)
find_dependency(fmt)
find_dependency(spdlog)
find_dependency(PkgConfig)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
include(${CMAKE_CURRENT_LIST_DIR}/patient-http-targets.cmake)
