// The release gate, written by `chefrelease init --ci jenkins`: for a pipeline that builds tags.
// May we deploy, did the deploy work, is it still well?
//
// Credentials (secret texts) that the gate reads; add those that you keep in Jenkins to
// `environment` as  NAME = credentials('NAME'):
//   @@names@@
pipeline {
  agent any // with Python 3.11 or newer, git, and a Chromium
  options {
    disableConcurrentBuilds()
    timeout(time: 2, unit: 'HOURS')
  }
  environment {
    PYTHONUNBUFFERED = '1'
  }
  stages {
    stage('gate') {
      steps {
        sh 'git fetch --force --tags'
        sh 'python3 -m venv .gate'
        sh ".gate/bin/pip install 'pytest-chefrelease[browser,rehearsal,lint,detect]'"
      }
    }
    stage('prerelease') {
      steps {
        sh '@@cd@@"$WORKSPACE"/.gate/bin/pytest -m prerelease'
      }
    }
    // Your deploy stands between the two gates: here, the job of that name is built and
    // waited for. Put your own steps in its place, or your job's name.
    // @@deploy@@
    stage('deploy') {
      steps {
        build job: 'deploy', parameters: [string(name: 'TAG', value: env.TAG_NAME)]
      }
    }
    stage('postrelease') {
      steps {
        sh '@@cd@@"$WORKSPACE"/.gate/bin/pytest -m postrelease'
      }
    }
    stage('watch') {
      steps {
        sh '@@cd@@"$WORKSPACE"/.gate/bin/pytest -m monitoring'
      }
    }
  }
  post {
    always {
      junit testResults: '@@at@@reports/*.xml', allowEmptyResults: true
      archiveArtifacts artifacts: '@@at@@reports/**', allowEmptyArchive: true
    }
  }
}
