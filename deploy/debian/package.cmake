# Rules for `cmake --install`, and for `cpack -G DEB`, which makes upgate_VERSION_ARCHITECTURE.deb in the build folder.
# The package differs from an installation by hand where Debian's policy requires it: see finish.cmake.

install(TARGETS upgate RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES deploy/man/upgate.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES deploy/completion/upgate.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME upgate)
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN *.md PATTERN admin-openapi.yaml)
install(FILES deploy/upgate.example.yaml DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples)

# From version 253 on (Debian 13), systemd waits until a reload has ended, and knows the signal for it. Older ones know no such type.
set(service_type notify)
cmake_host_system_information(RESULT system QUERY DISTRIB_INFO)
if("${system_ID}" STREQUAL debian AND "${system_VERSION_ID}" VERSION_GREATER_EQUAL 13)
  set(service_type notify-reload)
endif()

# The prefix is known only at installation. systemd looks under /usr and /usr/local; with another prefix, the unit has to be copied.
# Its configuration is /etc/upgate/upgate.yaml with any prefix.
install(CODE "
  file(READ \"${PROJECT_SOURCE_DIR}/deploy/systemd/upgate.service\" unit)
  string(REPLACE /usr/bin/upgate \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/upgate\" unit \"\${unit}\")
  string(REPLACE \"\\nType=notify\\n\" \"\\nType=${service_type}\\n\" unit \"\${unit}\")
  if(${service_type} STREQUAL notify-reload)
    string(REGEX REPLACE \"\\n[^\\n]*\\nExecReload=[^\\n]*\" \"\" unit \"\${unit}\")
  endif()
  file(WRITE \"${PROJECT_BINARY_DIR}/upgate.service\" \"\${unit}\")
  file(INSTALL \"${PROJECT_BINARY_DIR}/upgate.service\" \"${PROJECT_SOURCE_DIR}/deploy/systemd/upgate.socket\"
       DESTINATION \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system\")
")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME upgate)
set(CPACK_PACKAGE_CONTACT "upgate maintainers <maintainers@upgate.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "HTTP-to-WebSocket reverse proxy and gateway")
set(CPACK_PACKAGE_DESCRIPTION
"upgate lets browsers talk to TCP services such as MQTT brokers, VNC servers,
databases and game servers. It terminates TLS, performs the WebSocket
handshake, applies the access policy of a routing table, and relays the
payload of frames. It passes frames to WebSocket servers unchanged and proxies
ordinary HTTP to HTTP servers, all on the same port.
.
It refuses pages of foreign origins unless a route allows them. Every queue
has a limit and every wait a timeout. Messages, bytes and close codes are
counted by route, as JSON and for Prometheus.")
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/deploy/debian/finish.cmake)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
# Dependencies on linked libraries are added automatically; passwd is for the user that postinst creates.
set(CPACK_DEBIAN_PACKAGE_DEPENDS passwd)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
foreach(control conffiles postinst prerm postrm)
  list(APPEND CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/deploy/debian/${control})
endforeach()
include(CPack)
