# Runs in cpack after the installation into a staging folder: adds the files that only the package has.
set(stage ${CPACK_TEMPORARY_INSTALL_DIRECTORY})
set(doc ${stage}/usr/share/doc/upgate)
set(debian ${CMAKE_CURRENT_LIST_DIR})

file(STRINGS ${debian}/changelog newest LIMIT_COUNT 1)
if(NOT newest MATCHES "^upgate \\(${CPACK_PACKAGE_VERSION}\\)")
  message(FATAL_ERROR "the newest entry of deploy/debian/changelog is not for version ${CPACK_PACKAGE_VERSION}: ${newest}")
endif()

# Not file(INSTALL), which would prepend DESTDIR to the path in the staging folder.
file(COPY ${debian}/upgate.yaml DESTINATION ${stage}/etc/upgate NO_SOURCE_PERMISSIONS)
file(COPY ${debian}/copyright ${debian}/changelog DESTINATION ${doc} NO_SOURCE_PERMISSIONS)
file(REMOVE ${doc}/LICENSE)  # the text is in /usr/share/common-licenses
foreach(file ${doc}/changelog ${stage}/usr/share/man/man1/upgate.1)
  execute_process(COMMAND gzip -9nf ${file} COMMAND_ERROR_IS_FATAL ANY)
endforeach()

# Makes the package independent of the umask.
file(CHMOD_RECURSE ${stage}/etc ${stage}/usr DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
     WORLD_READ WORLD_EXECUTE)
