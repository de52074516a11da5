"""What can be verified from here: the sources that items read, told beforehand and examined.

``sources`` says from settings alone what each stage touches (``chefrelease plan``);
``examine`` looks whether it is there (``chefrelease doctor``).
"""
