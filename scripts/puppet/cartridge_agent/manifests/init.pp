# Lays out a home of the cartridge agent, `${target}/cartridge-agent-${version}`, and keeps it as
# described.
#
# @param version
#   Version of the agent; part of the name of the home.
# @param owner
#   User that the files belong to and that the agent runs as; it must exist.
# @param group
#   Its group.
# @param target
#   Directory that the home is made in; it must exist.
# @param type
#   Kind of the instance: a custom template is looked for in this directory of your module's templates
#   first, unless it is `default`.
# @param enable_artifact_update
#   Poll the repository after the first checkout.
# @param auto_commit
#   Commit and push local changes.
# @param auto_checkout
#   Follow the repository.
# @param module
#   Module that custom templates and plugins come from.
# @param custom_templates
#   Names of extensions, such as `StartServers.sh`, that are made of the template `NAME.erb` of your
#   module and take the place of the shipped ones.
# @param exclude_templates
#   Names of shipped extensions that are not to run.
# @param custom_plugins
#   Files of your module below `plugins` that are put into `plugins` of the home: Python plugins of the
#   original agent. `check` says where they belong now.
# @param program
#   The agent: a compiled binary, or `scripts/agent` of its sources.
# @param source
#   Where a compiled binary is copied from (a path or a `puppet:///` address); absent: it is there.
# @param settings
#   Further settings of agent.conf by key; an unknown one fails the catalog. No passwords: for those the
#   agent takes files, `MB_PASSWORD_FILE` and the like.
# @param launch_params
#   Path of the launch parameters that the platform writes, to which the home is linked; absent: the
#   platform writes `payload/launch-params` in the home.
# @param manage_service
#   Install a unit for systemd and keep the agent running.
class cartridge_agent (
  String[1]                              $version                = '0.1.0',
  String[1]                              $owner                  = 'root',
  String[1]                              $group                  = 'root',
  Cartridge_agent::Path                  $target                 = '/mnt',
  Pattern[/\A\w+\z/]                     $type                   = 'default',
  Boolean                                $enable_artifact_update = true,
  Boolean                                $auto_commit            = false,
  Boolean                                $auto_checkout          = true,
  Optional[Pattern[/\A[a-z]\w*\z/]]      $module                 = undef,
  Array[Pattern[/\A\w[\w.-]*\z/]]        $custom_templates       = [],
  Array[Pattern[/\A\w[\w.-]*\z/]]        $exclude_templates      = [],
  Array[Pattern[/\A\w[\w.-]*\z/]]        $custom_plugins         = [],
  Cartridge_agent::Path                  $program                = '/usr/local/bin/cartridge-agent',
  Optional[String[1]]                    $source                 = undef,
  Cartridge_agent::Settings              $settings               = {},
  Optional[Cartridge_agent::Path]        $launch_params          = undef,
  Boolean                                $manage_service         = false,
) {
  if $module =~ Undef and !($custom_templates + $custom_plugins).empty {
    fail('cartridge_agent: custom_templates and custom_plugins need module, where they are from')
  }
  $home = "${target}/cartridge-agent-${version}"

  File {
    owner => $owner,
    group => $group,
  }

  file { [$home, "${home}/payload"]:
    ensure => directory,
    mode   => '0755',
  }

  file { "${home}/agent.conf":
    ensure  => file,
    mode    => '0640',
    content => epp('cartridge_agent/agent.conf.epp', {
      settings => {
        'enable.artifact.update' => $enable_artifact_update,
        'auto.commit'            => $auto_commit,
        'auto.checkout'          => $auto_checkout,
      } + $settings,
    }),
  }

  if $launch_params {
    file { "${home}/payload/launch-params":
      ensure => link,
      target => $launch_params,
    }
  }

  if $source {
    file { $program:
      ensure => file,
      mode   => '0755',
      source => $source,
      before => Exec['cartridge_agent home'],
    }
  }

  # What is there stays; the launcher and the shipped extensions come with the program.
  exec { 'cartridge_agent home':
    command => [$program, 'init', $home],
    user    => $owner,
    creates => "${home}/extensions/launcher",
    require => File["${home}/agent.conf", "${home}/payload"],
  }

  $exclude_templates.each |$name| {
    file { "${home}/extensions/bash/${name}":
      ensure  => absent,
      require => Exec['cartridge_agent home'],
    }
  }

  $custom_templates.each |$name| {
    $template = $type ? {
      'default' => "${module}/${name}.erb",
      default   => "${module}/${type}/${name}.erb",
    }
    file { "${home}/extensions/bash/${name}":
      ensure  => file,
      mode    => '0755',
      content => template($template),
      require => Exec['cartridge_agent home'],
    }
  }

  if !$custom_plugins.empty {
    file { "${home}/plugins":
      ensure => directory,
      mode   => '0755',
    }
    $custom_plugins.each |$name| {
      file { "${home}/plugins/${name}":
        ensure => file,
        mode   => '0644',
        source => "puppet:///modules/${module}/plugins/${name}",
      }
    }
  }

  if $manage_service {
    file { '/etc/systemd/system/cartridge-agent.service':
      ensure  => file,
      owner   => 'root',
      group   => 'root',
      mode    => '0644',
      content => epp('cartridge_agent/cartridge-agent.service.epp', {
        owner   => $owner,
        group   => $group,
        program => $program,
        home    => $home,
      }),
    }
    service { 'cartridge-agent':
      ensure    => running,
      enable    => true,
      provider  => systemd,
      require   => Exec['cartridge_agent home'],
      subscribe => File["${home}/agent.conf", '/etc/systemd/system/cartridge-agent.service'],
    }
  }
}
