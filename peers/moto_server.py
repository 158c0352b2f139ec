"""AWS in a process: moto, with a user, a role, a bucket and a table, and then with its check of every signature on.

Prints one line of JSON of what is in it, and runs until it is killed or its standard input ends.
"""

import json
import os
import sys

# No request of a test leaves the machine.
os.environ.update(AWS_ACCESS_KEY_ID="seed", AWS_SECRET_ACCESS_KEY="seed", AWS_DEFAULT_REGION="eu-west-1")
os.environ.update(AWS_CONFIG_FILE="", AWS_SHARED_CREDENTIALS_FILE="", AWS_EC2_METADATA_DISABLED="true")

import boto3
from botocore.config import Config
from moto import settings
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
url = f"http://{host}:{port}"


def client(service):
    return boto3.client(service, endpoint_url=url, config=Config(s3={"addressing_style": "path"}))


def policy(*actions):
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


iam = client("iam")
iam.create_user(UserName="gateway")
iam.put_user_policy(UserName="gateway", PolicyName="p", PolicyDocument=policy("s3:*", "dynamodb:*", "sts:AssumeRole"))
key = iam.create_access_key(UserName="gateway")["AccessKey"]
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}
role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
iam.put_role_policy(RoleName="reader", PolicyName="p", PolicyDocument=policy("s3:GetObject"))
s3 = client("s3")
s3.create_bucket(Bucket="files", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
s3.put_object(Bucket="files", Key="hello", Body=b"hello")
client("dynamodb").create_table(
    TableName="things",
    KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
    BillingMode="PAY_PER_REQUEST",
)
# From here on every request must be signed by who may do what it asks for.
settings.INITIAL_NO_AUTH_ACTION_COUNT = 0

known = {"url": url, "access_key_id": key["AccessKeyId"], "secret_access_key": key["SecretAccessKey"], "role_arn": role["Arn"]}
print(json.dumps(known), flush=True)
sys.stdin.read()
