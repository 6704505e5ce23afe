# What `cmake --install` puts where, and the two Debian packages that `cpack -G DEB` makes of it: fedserver and
# fedclient, components of the same names. Included last, when the programs' targets exist.

if(CMAKE_INSTALL_PREFIX_INITIALIZED_TO_DEFAULT)
  # The units name /usr/bin.
  set(CMAKE_INSTALL_PREFIX /usr CACHE PATH "Where cmake --install puts things" FORCE)
endif()

# fed_install_config(COMPONENT FILE...): into the folder that the unit reads, ETC/COMPONENT, where ETC is /etc when
# the prefix is /usr and PREFIX/etc elsewhere. The prefix may be chosen at installation, so this cannot be an
# install(FILES). Without files the folder alone.
function(fed_install_config COMPONENT)
  install(CODE "
    set(fed_etc \"\${CMAKE_INSTALL_PREFIX}/etc\")
    if(CMAKE_INSTALL_PREFIX MATCHES \"^/usr/?$\")
      set(fed_etc /etc)
    endif()
    file(INSTALL DESTINATION \"\${fed_etc}/${COMPONENT}\" TYPE DIRECTORY FILES \"\")
    file(INSTALL DESTINATION \"\${fed_etc}/${COMPONENT}\" TYPE FILE FILES ${ARGN})"
    COMPONENT ${COMPONENT})
endfunction()

# fed_install_program(NAME SCHEMAS schema ... EXAMPLES file ...): a program with its unit and documentation.
function(fed_install_program NAME)
  cmake_parse_arguments(ARG "" "" "SCHEMAS;EXAMPLES" ${ARGN})
  if(TARGET ${NAME})
    install(TARGETS ${NAME} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT ${NAME})
  endif()
  install(FILES ${PROJECT_SOURCE_DIR}/systemd/${NAME}.service
          DESTINATION lib/systemd/system COMPONENT ${NAME})
  install(FILES ${PROJECT_SOURCE_DIR}/systemd/README.md
          DESTINATION share/doc/${NAME} COMPONENT ${NAME})
  foreach(schema IN LISTS ARG_SCHEMAS)
    install(FILES ${PROJECT_SOURCE_DIR}/schemas/${schema}.schema.json
            DESTINATION share/fed/schemas COMPONENT ${NAME} OPTIONAL)
  endforeach()
  install(FILES ${ARG_EXAMPLES} DESTINATION share/doc/${NAME}/examples COMPONENT ${NAME})
endfunction()

# The simulator comes with the server, where it was built (with the tests).
if(TARGET fedsim)
  install(TARGETS fedsim RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT fedserver)
endif()

# fed_debian(NAME SUMMARY TEXT CONFFILE...): the control files of the component's package.
function(fed_debian NAME SUMMARY TEXT)
  set(folder ${PROJECT_BINARY_DIR}/debian/${NAME})
  set(PACKAGE ${NAME})
  foreach(script postinst prerm postrm)
    configure_file(${PROJECT_SOURCE_DIR}/systemd/debian/${script}.in ${folder}/${script} @ONLY
                   FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
                                    WORLD_READ WORLD_EXECUTE)
    list(APPEND control ${folder}/${script})
  endforeach()
  if(ARGN)
    list(JOIN ARGN "\n" conffiles)
    file(WRITE ${folder}/conffiles "${conffiles}\n")
    list(APPEND control ${folder}/conffiles)
  endif()
  string(TOUPPER ${NAME} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${NAME} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_DESCRIPTION "${SUMMARY}\n${TEXT}" PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${control}" PARENT_SCOPE)
endfunction()

file(GLOB FED_SERVER_EXAMPLES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/configs/jobs/*.json)
file(GLOB FED_CLIENT_EXAMPLES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/configs/client*.json)

fed_install_program(fedserver SCHEMAS server job EXAMPLES ${FED_SERVER_EXAMPLES})
fed_install_program(fedclient SCHEMAS client EXAMPLES ${FED_CLIENT_EXAMPLES})
fed_install_config(fedserver ${PROJECT_SOURCE_DIR}/configs/server.json)
fed_install_config(fedclient)

fed_debian(fedserver "parameter server for federated learning"
  "Sends a global model to the machines that hold data, aggregates the encrypted
updates that they train, exactly and durably, and keeps every version of the
model. Rounds are configured by JSON files. The raw data never leaves a client."
  /etc/fedserver/server.json)
fed_debian(fedclient "federated-learning client for machines that hold data"
  "Trains the models of a fedserver on the local rows and uploads encrypted
updates. It executes nothing that a server sends, and the raw data never leaves
the machine.")

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME fed)
set(CPACK_PACKAGE_VENDOR "The fed maintainers")
set(CPACK_PACKAGE_CONTACT "The fed maintainers <root@localhost>")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
# Each package has a summary of its own.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(CPACK_COMPONENTS_ALL fedserver fedclient)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
include(CPack)
